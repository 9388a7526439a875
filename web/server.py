"""The process of the web door: creates its parts, starts them in order, and serves until it is stopped."""

import asyncio
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress

import uvicorn
import uvloop
from litestar.types import ASGIApp
from threadpoolctl import threadpool_limits

from features.vision.descriptors.mix import Mix
from inference.warm_up import warm_up_lists
from sightline_client.login import sign_in
from state.profiles import ProfileStore
from state.signals import SignalStore
from streams.credentials import kafka_security
from streams.errors import SettingsError
from streams.logs import configure_logs, log
from streams.pictures.incoming import Incoming
from streams.pictures.store import PictureStore
from streams.processing.background import end, failure_of
from streams.pseudonyms import pseudonym_key
from streams.settings import Settings
from streams.wire import topics
from streams.worker import gc_tuning
from streams.worker.ending import log_end
from streams.worker.feeds import make_behaviour_cache, make_feeds
from streams.worker.lifecycle import run_to_end
from streams.worker.liveness import STUCK_S
from streams.worker.probes import STARTING, listen
from streams.worker.resources import Addresses, Resources
from web.access.connections import LimitedConnection
from web.app import make_app
from web.parts import Parts
from web.pictures.shown import ShownPictures
from web.publishing.inlet import Inlet
from web.tail.tail import Tail

NAME = "web"
_LOOK_EVERY_S = 1.0
#: Requests that are under way when the process is stopped have this long.
_GRACE_S = 3
#: What was accepted has this long to reach Kafka once no request is under way.
_DRAIN_S = 5.0
#: Connections that wait to be taken: a browser of every listener may come back in the same second.
_BACKLOG = 2048
#: Connections besides those of listeners.
_OTHER_CONNECTIONS = 1000


def run_web(settings: Settings, addresses: Addresses) -> int:
    """Serve until SIGTERM or SIGINT, or until a part fails; return the exit code (streams/worker/ending.py)."""
    configure_logs(settings.log_level)
    with threadpool_limits(limits=1):
        failure = uvloop.run(run_to_end(NAME, lambda stack: WebServer(settings, addresses, stack)))
    return log_end(NAME, failure)


class WebServer:
    """One process that serves; `stack` closes its parts."""

    def __init__(self, settings: Settings, addresses: Addresses, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._addresses = addresses
        self._stack = stack
        self._resources = Resources(settings, addresses, stack)
        self._starting = [STARTING]
        self._heartbeat_s = time.monotonic()
        self._serving: asyncio.Task[None] | None = None

    @property
    def failure(self) -> BaseException | None:
        """The exception of a part that stopped by itself, so the process must end; None while all run."""
        return self._resources.failure or failure_of(self._serving)

    async def start(self) -> None:
        """Start everything, the server last. Raises the parts' errors if a service is not in the required state."""
        settings = self._settings
        probes = listen(settings, live=self._live, ready=self._not_ready)
        self._stack.callback(probes.close)
        probes.start()
        _allow_files()
        bound = _bind(settings.web_host, settings.web_port)
        self._stack.callback(bound.close)
        log.info("starting", worker=NAME, metrics_port=probes.port)
        await asyncio.to_thread(sign_in, self._addresses.kafka, kafka_security(settings))
        await self._resources.watch_promises()
        await self._resources.refuse_old_keys()
        parts = await self._make_parts()
        await self._serve(make_app(parts), bound, parts)
        self._starting = []
        gc_tuning.keep()
        log.info("ready", worker=NAME, address=f"http://{_shown(bound)}")

    async def watch(self, stop: asyncio.Event) -> None:
        """Return when `stop` is set or a part of the process has failed."""
        while not stop.is_set() and self.failure is None:
            self._heartbeat_s = time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_EVERY_S)

    async def _make_parts(self) -> Parts:
        resources, settings = self._resources, self._settings
        await asyncio.to_thread(warm_up_lists)
        redis, tail = resources.redis(), Tail()
        follower = tail.of(self._addresses.kafka, resources.namespace, security=kafka_security(settings))
        resources.watch(follower, follower.stop)
        await follower.start()
        publisher = await resources.kafka_publisher(
            "sightline-web", topics.INTERACTIONS, topics.UPLOADS, topics.ITEMS, topics.PRIVACY
        )
        inlet = Inlet(publisher, resources.namespace, pseudonym_key=pseudonym_key(settings))
        self._stack.push_async_callback(inlet.close, _DRAIN_S)
        catalog = await resources.catalog(settings.encoder_version, Mix.parse(settings.feed_by), words=True)
        feeds = await make_feeds(resources, catalog, await make_behaviour_cache(resources, redis, catalog))
        return Parts(
            settings=settings,
            namespace=resources.namespace,
            catalog=catalog,
            feeds=feeds,
            profiles=ProfileStore(resources.profile_partitions(redis)),
            signals=SignalStore(resources.signal_partitions(redis), settings.partitions),
            inlet=inlet,
            tail=tail,
            pictures=self._pictures(),
            incoming=await self._incoming(),
            not_ready=self._not_ready,
        )

    def _pictures(self) -> ShownPictures | None:
        settings = self._settings
        if settings.keep == "none":
            return None
        return ShownPictures(PictureStore(settings.picture_store, self._resources.namespace))

    async def _incoming(self) -> Incoming | None:
        if self._settings.object_store is None:
            return None
        incoming = Incoming(self._settings.object_store, self._resources.namespace)
        self._resources.watch(incoming, incoming.stop)
        await incoming.start()
        return incoming

    async def _serve(self, app: ASGIApp, bound: socket.socket, parts: Parts) -> None:
        server = _Server(
            uvicorn.Config(
                app,
                http=LimitedConnection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                # Not a line for each client that speaks no HTTP.
                log_level="error",
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                backlog=_BACKLOG,
                limit_concurrency=self._settings.web_listeners + _OTHER_CONNECTIONS,
            )
        )
        self._serving = asyncio.create_task(server.serve(sockets=[bound]), name="web server")

        async def stop() -> None:
            parts.tail.lists.close()
            server.should_exit = True
            if self._serving is not None:
                await asyncio.wait({self._serving}, timeout=_GRACE_S + 1)
            await end(self._serving)

        self._stack.push_async_callback(stop)
        # Uvicorn only sets a flag.
        while not server.started and self.failure is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def _live(self) -> list[str]:
        silent_s = time.monotonic() - self._heartbeat_s
        if not self._starting and silent_s > STUCK_S:
            return [f"the event loop has not run for {silent_s:.0f} s"]
        return []

    def _not_ready(self) -> list[str]:
        return [*self._starting, *self._resources.refused_topics, *self._resources.dangers]


class _Server(uvicorn.Server):
    """Uvicorn's server, which leaves signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _allow_files() -> None:
    """Let the process have as many connections open as the machine allows; the default of a shell is often 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises SettingsError with what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SettingsError(
            f"the web door cannot listen on {host}:{port} ({error}): set SIGHTLINE_WEB_HOST to an address of this "
            "machine, and SIGHTLINE_WEB_PORT to a free port, or to 0 for any"
        ) from None
    return bound


def _shown(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
