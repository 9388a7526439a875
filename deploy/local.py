"""The whole stack on one machine without Docker: starts, checks and ends services, and keeps their data."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy import process, record
from deploy.errors import NoAnswerError, StackError
from deploy.health import await_healthy, check_external
from deploy.kafka_server import KafkaServer
from deploy.lock import locked
from deploy.record import Record
from deploy.redis_server import RedisServer
from deploy.service import Progress, Service, ServiceName
from deploy.triton_server import TritonServer
from features.vision.gate.policy import GatePolicy
from inference.gate.scores import MODELS
from streams.credentials import kafka_security, redis_access, triton_tls
from streams.settings import Settings

ALL: tuple[ServiceName, ...] = ("kafka", "redis", "triton")
START_SECONDS = 90.0
GRACE_SECONDS = 20.0
PATIENCE_SECONDS = 10.0  # time that a running service has to answer before `up` restarts it


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of the services for clients; a service that was not requested may not be running."""

    kafka: str
    redis: str
    triton: str
    triton_metrics: str | None


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The current state of one service; `pid`, `data` and `log` are None for an external service.

    For an unhealthy service, `trouble` is the error, and `remedy` says how to fix a refused login.
    """

    name: ServiceName
    state: Literal["running", "stopped", "unhealthy", "external"]
    pid: int | None
    address: str
    version: str | None
    data: Path | None
    log: Path | None
    trouble: str | None = None
    remedy: str | None = None


class Stack:
    """Kafka, Redis and Triton under one home; a service for which the settings give an address is only checked."""

    def __init__(self, settings: Settings, *, models: Path | None = None, progress: Progress = lambda _: None) -> None:
        self._home = settings.home.resolve()
        self._tools = settings.tools.resolve()
        self._progress = progress
        self._external: dict[ServiceName, str | None] = {
            "kafka": settings.kafka,
            "redis": settings.redis,
            "triton": settings.triton,
        }
        data, logs = self._home / "data", self._home / "logs"
        self._services: dict[ServiceName, Service] = {
            "kafka": KafkaServer(data=data / "kafka", tools=self._tools, logs=logs, security=kafka_security(settings)),
            "redis": RedisServer(data=data / "redis", access=redis_access(settings)),
            "triton": TritonServer(
                data=data / "triton",
                tools=self._tools,
                logs=logs,
                models=(models or self._tools / "models").resolve(),
                encoder=settings.encoder,
                words=settings.words == "on",
                gate=[MODELS[fault] for fault in GatePolicy.parse(settings.gate).asked],
                tls=triton_tls(settings),
            ),
        }

    def up(self, services: Iterable[ServiceName] = ALL) -> Endpoints:
        """Start missing services and restart unhealthy ones; returns when all are healthy, else raises StackError."""
        wanted = list(dict.fromkeys(services))
        with self._locked(), ThreadPoolExecutor(len(ALL)) as pool:
            started = [pool.submit(self._ensure, name) for name in wanted]
        failed = [error for future in started if (error := future.exception()) is not None]
        if len(failed) == 1:
            raise failed[0]
        if failed:
            raise StackError("\n".join(map(str, failed)))
        return self.endpoints()

    def down(self, services: Iterable[ServiceName] = ALL) -> None:
        """End our services and keep their data; returns when their processes have ended. External services stay."""
        with self._locked(), ThreadPoolExecutor(len(ALL)) as pool:
            list(pool.map(self._end, dict.fromkeys(services)))

    def start(self, service: ServiceName) -> Endpoints:
        """Start one service again with its previous data and ports."""
        return self.up([service])

    @contextmanager
    def borrowed(self, services: Iterable[ServiceName] = ALL) -> Iterator[Endpoints]:
        """Start missing services; on leaving, end the services that were started here."""
        wanted = list(dict.fromkeys(services))
        stopped = [name for name in wanted if self._is_ours(name) and self._running(name) is None]
        try:
            yield self.up(wanted)
        finally:
            self.down(stopped)

    def endpoints(self) -> Endpoints:
        """The addresses of the services, running or not."""
        ports = self._ports("triton")
        return Endpoints(
            kafka=self._address("kafka"),
            redis=self._address("redis"),
            triton=self._address("triton"),
            triton_metrics=f"127.0.0.1:{ports['metrics']}" if self._is_ours("triton") else None,
        )

    def status(self) -> list[ServiceStatus]:
        """The current state of each service; takes at most some seconds."""
        with ThreadPoolExecutor(len(ALL)) as pool:
            return list(pool.map(self._status, ALL))

    def kill(self, service: ServiceName) -> None:
        """Send SIGKILL, like a crash; returns when the process has ended."""
        process.kill(self._ours(service))

    def pause(self, service: ServiceName) -> None:
        """Send SIGSTOP: the service keeps its connections but does not answer."""
        process.pause(self._ours(service))

    def resume(self, service: ServiceName) -> None:
        """Send SIGCONT."""
        process.resume(self._ours(service))

    def cpu_s(self, service: ServiceName) -> float:
        """Processor time of the service since its start, in seconds."""
        return process.cpu_s(self._ours(service))

    def _ensure(self, name: ServiceName) -> None:
        service, address = self._services[name], self._address(name)
        if not self._is_ours(name):
            check_external(service, address)
            return
        running = self._running(name)
        if running is not None:
            try:
                await_healthy(service, running, address, log=self._log(name), seconds=PATIENCE_SECONDS)
                return
            except StackError as error:
                self._progress(f"{name}: process {running.pid} does not answer, restarting it")
                self._progress(str(error))
        self._end(name)
        waiting = f"{name}: waiting for another set-up to finish"
        with locked(self._tools / f"{name}.lock", on_wait=lambda: self._progress(waiting)):
            service.prepare(self._progress)
        self._launch(service)

    def _launch(self, service: Service) -> None:
        begun = time.monotonic()
        ports = record.keep_or_choose(service.port_names, self._ports(service.name))
        command = service.command(ports)
        running = process.spawn(command.argv, log=self._log(service.name), env=command.env)
        record.save(self._record(service.name), Record(running, ports))
        address = service.address(ports[service.port_names[0]])
        try:
            await_healthy(service, running, address, log=self._log(service.name), seconds=START_SECONDS)
        except StackError:
            self._end(service.name)
            raise
        self._progress(f"{service.name}: ready on {address} after {time.monotonic() - begun:.1f} s")

    def _end(self, name: ServiceName) -> None:
        if not self._is_ours(name):
            return
        running = self._running(name)
        if running is not None:
            process.end(running, grace=GRACE_SECONDS)
            self._progress(f"{name}: ended")
        record.save(self._record(name), Record(None, self._ports(name)))
        self._services[name].clean()

    def _status(self, name: ServiceName) -> ServiceStatus:
        service, address, running = self._services[name], self._address(name), self._running(name)
        ours = self._is_ours(name)
        version: str | None = None
        trouble: str | None = None
        remedy: str | None = None
        state: Literal["running", "stopped", "unhealthy", "external"] = "running" if ours else "external"
        if ours and running is None:
            state = "stopped"
        else:
            try:
                version = service.probe(address, timeout=3)
            except NoAnswerError as error:
                state, trouble, remedy = "unhealthy", str(error), error.remedy
        pid = running.pid if running is not None else None
        if not ours:
            return ServiceStatus(name, state, None, address, version, None, None, trouble, remedy)
        if state == "running":
            version = version or service.release
        return ServiceStatus(name, state, pid, address, version, service.data, self._log(name), trouble, remedy)

    def _is_ours(self, name: ServiceName) -> bool:
        return self._external[name] is None

    def _address(self, name: ServiceName) -> str:
        service = self._services[name]
        return self._external[name] or service.address(self._ports(name)[service.port_names[0]])

    def _ours(self, name: ServiceName) -> process.Process:
        running = self._running(name) if self._is_ours(name) else None
        if running is None:
            raise StackError(f"no {name} of {self._home} is running: start it with `sightline up`")
        return running

    def _running(self, name: ServiceName) -> process.Process | None:
        known = record.load(self._record(name)).process
        return known if known is not None and process.alive(known) else None

    def _ports(self, name: ServiceName) -> dict[str, int]:
        return record.remembered_ports(self._record(name), self._services[name].port_names)

    def _record(self, name: ServiceName) -> Path:
        return self._home / "run" / f"{name}.json"

    def _log(self, name: ServiceName) -> Path:
        return self._home / "logs" / f"{name}.log"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        waiting = "waiting for another `up` or `down` to finish"
        with locked(self._home / "run" / "lock", on_wait=lambda: self._progress(waiting)):
            yield
