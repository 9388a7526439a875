"""One worker process: creates its parts and starts them in order; they are closed in reverse order."""

import asyncio
import time
from contextlib import AsyncExitStack, suppress

import uvloop
from stamina.instrumentation import get_on_retry_hooks, set_on_retry_hooks
from threadpoolctl import threadpool_limits

from sightline_client.login import sign_in
from streams.credentials import kafka_security
from streams.kafka.end_offsets import EndOffsets
from streams.kafka.faust_app import App, make_app
from streams.logs import configure_logs, log
from streams.metrics import CONSUMER_LAG
from streams.settings import Settings
from streams.worker import gc_tuning
from streams.worker.ending import log_end
from streams.worker.held_back import HeldBack
from streams.worker.lifecycle import run_to_end
from streams.worker.liveness import STUCK_S, Liveness
from streams.worker.probes import STARTING, listen
from streams.worker.resources import Addresses, Resources
from streams.worker.wiring import WIRE, Wire, WorkerName

LAG_REFRESH_S = 1.0


def run_worker(name: WorkerName, settings: Settings, addresses: Addresses, wire: Wire | None = None) -> int:
    """Run a worker until SIGTERM or SIGINT, or until a part fails; return the exit code (streams/worker/ending.py).

    `wire` wires its agents; None is what the table says of this name.
    """
    configure_logs(settings.log_level)
    # Matrices have about a hundred candidate rows: BLAS threads would cost more than they save, and compete for cores.
    with threadpool_limits(limits=1):
        failure = uvloop.run(run_to_end(name, lambda stack: Worker(name, settings, addresses, stack, wire)))
    # Logged once the event loop is gone, so that nothing follows it.
    return log_end(name, failure)


class Worker:
    """One process with its app, resources and probes; `stack` closes them."""

    def __init__(
        self,
        name: WorkerName,
        settings: Settings,
        addresses: Addresses,
        stack: AsyncExitStack,
        wire: Wire | None = None,
    ) -> None:
        self._name = name
        self._wire = wire or WIRE[name]
        self._settings = settings
        self._kafka = addresses.kafka
        self._security = kafka_security(settings)
        self._stack = stack
        self._ready = False
        self._heartbeat_s = time.monotonic()
        self.app: App = make_app(name, settings, addresses.kafka)
        self._resources = Resources(settings, addresses, stack)
        self._end_offsets = EndOffsets(addresses.kafka, security=self._security)
        self._liveness = Liveness(self._end_offsets.read)
        self._held_back = HeldBack()

    async def start(self) -> None:
        """Start everything, the agents last. Raises the parts' errors if a service is not in the required state."""
        probes = listen(self._settings, live=self._live, ready=self._not_ready)
        self._stack.callback(probes.close)
        self._stack.push_async_callback(self._end_offsets.close)
        probes.start()
        log.info("starting", worker=self._name, metrics_port=probes.port)
        await asyncio.to_thread(sign_in, self._kafka, self._security)
        await self._resources.watch_promises()
        await self._resources.refuse_old_keys()
        await self._wire(self._resources, self.app)
        await self.app.check_counts()
        self._stack.push_async_callback(self.app.stop)
        await self.app.start()
        while not self.app.assigned.is_set() and self.failure is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.app.assigned.wait(), LAG_REFRESH_S)
        # A worker that retries is not stuck.
        set_on_retry_hooks([*get_on_retry_hooks(), lambda _: self._liveness.moved()])
        self._ready = True
        gc_tuning.keep()
        log.info("ready", worker=self._name)

    @property
    def failure(self) -> BaseException | None:
        """The exception of a part that stopped by itself, so the process must end; None while all run."""
        return self.app.failure or self.app.crash_reason or self._resources.failure

    async def watch(self, stop: asyncio.Event) -> None:
        """Update the lag metric and the heartbeat until `stop` is set or a part of the process has failed."""
        worked = self._resources.worked
        while not stop.is_set() and self.failure is None:
            self._heartbeat_s = time.monotonic()
            self._observe_lag()
            self._held_back.look(self.app.held_back())
            if self._is_waiting() or self._resources.worked != worked:
                worked = self._resources.worked
                self._liveness.moved()
            await self._liveness.look(self.app.handled())
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LAG_REFRESH_S)

    def _observe_lag(self) -> None:
        lags = self.app.lags()
        CONSUMER_LAG.clear()
        for tp, lag in lags.items():
            CONSUMER_LAG.labels(tp.topic, str(tp.partition)).set(lag)

    def _live(self) -> list[str]:
        silent_s = time.monotonic() - self._heartbeat_s
        if self._ready and silent_s > STUCK_S:
            return [f"the event loop has not run for {silent_s:.0f} s"]
        return self._liveness.problems()

    def _is_waiting(self) -> bool:
        """Return whether the worker waits for what a restart cannot fix: an open breaker or undelivered messages."""
        return bool(self._resources.open_breakers) or self._resources.undelivered

    def _not_ready(self) -> list[str]:
        starting = [] if self._ready else [STARTING]
        broken = self._resources.open_breakers + self._resources.refused_topics + self._resources.dangers
        return starting + broken
