"""Our worker processes on this machine: starts them, finds them again, ends them."""

import hashlib
import http.client
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from deploy import process, record
from deploy.errors import StackError
from deploy.local import Endpoints
from deploy.process import Process
from deploy.record import Record
from deploy.service import Progress
from streams.settings import Settings

WorkerName = Literal["interactions", "uploads", "items", "learning", "web"]
#: Those that the topics need; the web door is for who asks for it.
ALL: tuple[WorkerName, ...] = ("interactions", "uploads", "items", "learning")
#: `sightline`, by the Python that runs this.
SIGHTLINE = (sys.executable, "-c", "from cli.main import main; main()")
COMMAND = (*SIGHTLINE, "worker")
#: The first start after an update compiles for a minute on two free cores, and for several where they are busy.
READY_SECONDS = 600.0
#: After so long it is said that a worker is still waited for, and again each time twice as long has passed.
SAY_SECONDS = 15.0
GRACE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Worker:
    """One running worker; `number` distinguishes workers of one name, from 1."""

    name: WorkerName
    number: int
    process: Process
    metrics_port: int
    log: Path
    #: Where the web door listens; None for the others.
    web_port: int | None = None

    @property
    def title(self) -> str:
        """Its name, and its number where that is not 1."""
        return self.name if self.number == 1 else f"{self.name} {self.number}"


class Workers:
    """The workers of one home on one set of services and one topic prefix.

    All run with these settings, which override the environment. They outlive this process unless they are stopped; a
    later `Workers` with the same arguments finds them again.
    """

    def __init__(
        self,
        settings: Settings,
        endpoints: Endpoints,
        *,
        command: Sequence[str] = COMMAND,
        progress: Progress = lambda _: None,
    ) -> None:
        self._home = settings.home.resolve()
        self._command = tuple(command)
        self._progress = progress
        addresses = {"kafka": endpoints.kafka, "redis": endpoints.redis, "triton": endpoints.triton}
        self._env = settings.model_copy(update={**addresses, "home": self._home}).environment()
        # Workers on other services or topics are different workers, even under the same home.
        family = (*addresses.values(), settings.topic_prefix)
        self._family = hashlib.sha256("\0".join(family).encode()).hexdigest()[:8]

    def start(self, name: WorkerName, *, number: int = 1) -> Worker:
        """Start a worker, or find it; returns when it is ready, else raises StackError with the end of its log."""
        found = self._ready(name, number)
        self._progress(f"worker {found.title}: ready, metrics on http://127.0.0.1:{found.metrics_port}/metrics")
        return found

    def start_all(self, names: Iterable[WorkerName] = ALL) -> list[Worker]:
        """Start one worker of each name at the same time; running ones stay. If any began, a line says it."""
        wanted = list(names)
        is_any_missing = any(self.find(name) is None for name in wanted)
        for name in wanted:
            # The web door is told where the others listen, also those that are only about to start.
            self._ports(name, 1)
        with ThreadPoolExecutor(len(wanted)) as pool:
            found = list(pool.map(self._ready, wanted))
        if is_any_missing:
            at = ", ".join(f"{each.name} 127.0.0.1:{each.metrics_port}" for each in found)
            self._progress(f"workers ready, metrics on: {at}")
        return found

    def find(self, name: WorkerName, *, number: int = 1) -> Worker | None:
        """The worker if it is running, ready or not."""
        return _found(self._record(name, number))

    def stop(self, worker: Worker) -> None:
        """Send SIGTERM, and SIGKILL after 15 s; returns when the process has ended."""
        _end([worker])
        self._progress(f"worker {worker.title}: ended")

    def kill(self, worker: Worker) -> None:
        """Send SIGKILL, like a crash; returns when the process has ended."""
        process.kill(worker.process)

    @contextmanager
    def borrowed(self, names: Iterable[WorkerName] = ALL) -> Iterator[list[Worker]]:
        """One ready worker of each name; the workers that were started here are stopped on leaving."""
        wanted = list(names)
        missing = [name for name in wanted if self.find(name) is None]
        try:
            yield self.start_all(wanted)
        finally:
            started = [worker for name in missing if (worker := self.find(name)) is not None]
            _end(started)
            if started:
                self._progress(f"workers ended: {', '.join(worker.name for worker in started)}")

    def _ready(self, name: WorkerName, number: int = 1) -> Worker:
        worker = self.find(name, number=number) or self._launch(name, number)
        self._await_ready(worker)
        return worker

    def _launch(self, name: WorkerName, number: int) -> Worker:
        path, log, ports = self._record(name, number), _log(self._home, name, number), self._ports(name, number)
        env = {**self._env, "SIGHTLINE_METRICS_PORT": str(ports["metrics"])}
        argv = (*self._command, name)
        if name == "web":
            known = {each: record.load(self._record(each, 1)).ports.get("metrics") for each in ALL}
            others = ",".join(f"{each}=127.0.0.1:{port}" for each, port in known.items() if port is not None)
            env |= {"SIGHTLINE_WEB_PORT": str(ports["web"]), "SIGHTLINE_WEB_WORKERS": others}
            argv = (*SIGHTLINE, "web")
        running = process.spawn(argv, log=log, env=env)
        record.save(path, Record(running, ports))
        return Worker(name, number, running, ports["metrics"], log, ports.get("web"))

    def _ports(self, name: WorkerName, number: int) -> dict[str, int]:
        """The ports of a worker by name: those of the last time, as far as they are free or its own."""
        path = self._record(name, number)
        known, names = record.load(path), ["metrics", "web"] if name == "web" else ["metrics"]
        if known.process is not None and process.alive(known.process):
            return dict(known.ports)
        ports = record.keep_or_choose(names, known.ports)
        record.save(path, Record(known.process, ports))
        return ports

    def _await_ready(self, worker: Worker) -> None:
        begun, said_s = time.monotonic(), SAY_SECONDS
        title = f"worker {worker.title}"
        while (missing := what_is_missing(worker.metrics_port)) is not None:
            if not process.alive(worker.process):
                raise StackError(f"{title} ended at once.{process.tail(worker.log)}")
            waited_s = time.monotonic() - begun
            if waited_s > READY_SECONDS:
                self.stop(worker)
                raise StackError(
                    f"{title} is not ready after {READY_SECONDS:.0f} s: {missing}. What was compiled is kept, so that "
                    f"the same command is faster now: run it again.{process.tail(worker.log)}"
                )
            if waited_s > said_s:
                said_s *= 2
                self._progress(
                    f"{title}: not ready after {waited_s:.0f} s, which may take minutes the first time: {missing}"
                )
            time.sleep(0.1)

    def _record(self, name: WorkerName, number: int) -> Path:
        return self._home / "run" / f"worker-{name}-{number}-{self._family}.json"


def running_workers(settings: Settings) -> list[Worker]:
    """All workers of this home that run, ready or not, on any services."""
    return [worker for path in _records(settings) if (worker := _found(path)) is not None]


def stop_workers(settings: Settings, *, progress: Progress = lambda _: None) -> None:
    """End all workers of this home, on any services."""
    for path in _records(settings):
        running = record.load(path).process
        if running is not None and process.alive(running):
            process.end(running, grace=GRACE_SECONDS)
            progress(f"{path.stem.rpartition('-')[0]}: ended")
        path.unlink(missing_ok=True)


def _records(settings: Settings) -> list[Path]:
    """The records of all workers of this home, by name."""
    return sorted((settings.home.resolve() / "run").glob("worker-*.json"))


def _found(path: Path) -> Worker | None:
    """The worker of this record if it is running, ready or not."""
    known = record.load(path)
    if known.process is None or not process.alive(known.process):
        return None
    # As `Workers` names it.
    _, name, number, _ = path.stem.split("-")
    log = _log(path.parents[1], name, int(number))
    return Worker(
        cast(WorkerName, name), int(number), known.process, known.ports["metrics"], log, known.ports.get("web")
    )


def _log(home: Path, name: str, number: int) -> Path:
    return home / "logs" / f"worker-{name}-{number}.log"


def _end(workers: Sequence[Worker]) -> None:
    """End some workers at the same time."""
    with ThreadPoolExecutor(max(len(workers), 1)) as pool:
        list(pool.map(lambda worker: process.end(worker.process, grace=GRACE_SECONDS), workers))


def what_is_missing(port: int) -> str | None:
    """The reasons of /readyz why the worker is not ready; None if it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace").strip()
        return None if answer.status == 200 else body
    except (OSError, http.client.HTTPException) as error:
        return f"/readyz on port {port} does not answer ({error})"
    finally:
        connection.close()
