"""Restarts workers that end by themselves, as a container runtime does."""

import signal
import threading
import time
import urllib.error
import urllib.request
from types import TracebackType

from benchmarks.faults.outcome import Unmet
from benchmarks.harness.watch import Watch
from deploy import process
from deploy.errors import StackError
from deploy.workers import Worker, WorkerName, Workers

_INTERVAL_S = 0.5
#: Kind and number of a worker.
_Id = tuple[WorkerName, int]


class Supervisor(Watch):
    """A context manager; all workers that it started end on leaving."""

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self._workers = workers
        self._wanted: dict[_Id, Worker] = {}
        self._lock = threading.Lock()
        #: One message for each worker that ended by itself.
        self.restarts: list[str] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        for worker in self._wanted.values():
            self._workers.stop(worker)

    def start(self, name: WorkerName, number: int = 1) -> Worker:
        """Start a worker and restart it whenever it ends; returns when it is ready."""
        worker = self._workers.start(name, number=number)
        with self._lock:
            self._wanted[name, number] = worker
        return worker

    def move(self, workers: Workers) -> None:
        """Start the workers of another app from now on; those of the first one must have been stopped."""
        self._workers = workers

    def running(self, name: WorkerName, number: int = 1) -> Worker:
        """The current process of a worker."""
        with self._lock:
            return self._wanted[name, number]

    def kill(self, name: WorkerName, number: int = 1) -> None:
        """Send SIGKILL; the worker is not restarted."""
        self._workers.kill(self._release(name, number))

    def pause(self, name: WorkerName, number: int = 1) -> None:
        """Send SIGSTOP: to others the worker seems dead, and it does not know."""
        process.pause(self.running(name, number).process)

    def resume(self, name: WorkerName, number: int = 1) -> None:
        """Send SIGCONT."""
        process.resume(self.running(name, number).process)

    def stop(self, name: WorkerName, number: int = 1, *, grace_s: float = 60.0) -> tuple[float, int | None]:
        """Send SIGTERM, without a restart; returns the seconds to the end and the exit status, None after SIGKILL."""
        worker = self._release(name, number)
        begun = time.monotonic()
        process.send(worker.process, signal.SIGTERM)
        status = process.wait(worker.process, seconds=grace_s)
        took_s = time.monotonic() - begun
        self._workers.stop(worker)
        return took_s, status

    def partitions(self, name: WorkerName, number: int, topic: str) -> set[int]:
        """The partitions of a topic that a worker reports as its own."""
        prefix = "sightline_consumer_lag_records{"
        samples = [line for line in self._metrics(name, number) if line.startswith(prefix)]
        return {
            int(line.partition('partition="')[2].partition('"')[0]) for line in samples if f'topic="{topic}"' in line
        }

    def total(self, metric: str) -> float:
        """The sum of a counter over all workers and labels."""
        with self._lock:
            ids = list(self._wanted)
        lines = [line for id_ in ids for line in self._metrics(*id_)]
        # `name{labels} value` or `name value`, but not a longer name with this prefix.
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.partition("{")[0].split(" ")[0] == metric)

    def check_alive(self) -> None:
        """Unmet if a worker's /healthz asks for a restart."""
        with self._lock:
            ports = {id_: worker.metrics_port for id_, worker in self._wanted.items()}
        for (name, number), port in ports.items():
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10).close()
            except urllib.error.HTTPError as error:
                raise Unmet(f"/healthz of worker {name} {number} says: {error.read().decode().strip()}") from error

    def _metrics(self, name: WorkerName, number: int) -> list[str]:
        url = f"http://127.0.0.1:{self.running(name, number).metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as response:
            return str(response.read().decode()).splitlines()

    def _release(self, name: WorkerName, number: int) -> Worker:
        with self._lock:
            return self._wanted.pop((name, number))

    def _watch(self) -> None:
        while not self._ended.wait(_INTERVAL_S):
            with self._lock:
                dead = [id_ for id_, worker in self._wanted.items() if not process.alive(worker.process)]
                for name, number in dead:
                    worker = self._wanted.pop((name, number))
                    self.restarts.append(f"worker {name} {number} ended by itself.{process.tail(worker.log)}")
            for name, number in dead:
                threading.Thread(target=self._restart, args=(name, number), daemon=True).start()

    def _restart(self, name: WorkerName, number: int) -> None:
        while not self._ended.is_set():
            try:
                self.start(name, number)
            except StackError as error:
                self.restarts.append(str(error))
            else:
                return
