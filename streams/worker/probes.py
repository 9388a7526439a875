"""The HTTP port of every process: metrics, liveness and readiness."""

import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from io import BytesIO
from typing import Any, Final

import structlog
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import MetricsHandler

from features.printable import printable
from streams.errors import SettingsError
from streams.settings import Settings

Probe = Callable[[], list[str]]

#: What a process says that has not begun to work. The first start on a machine waits for the compiler.
STARTING: Final = (
    "starting: code is compiled (the first start takes longest), the catalogue is read, or a service is awaited"
)

_log = structlog.get_logger(__name__)


class Probes:
    """Serves `/metrics`, `/healthz` and `/readyz` on separate threads, so it answers even if the event loop is busy.

    A probe is called on such a thread and returns the problems, one reason a line; an empty list means healthy.
    The constructor binds the port; it raises OSError if the port is taken.
    """

    def __init__(
        self, host: str, port: int, *, live: Probe, ready: Probe, registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._server = _Server(host, port, {"/healthz": live, "/readyz": ready}, registry)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="endpoint", daemon=True)
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        """Start to answer requests."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering and free the port. It also works if `start` was never called."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def listen(settings: Settings, *, live: Probe, ready: Probe) -> Probes:
    """The port of a process with these settings; raises SettingsError where it cannot be had."""
    host, port = settings.metrics_host, settings.metrics_port
    try:
        return Probes(host, port, live=live, ready=ready)
    except OSError as error:
        raise SettingsError(
            f"this worker cannot listen on {host}:{port} ({error}): set SIGHTLINE_METRICS_HOST to an address of "
            "this machine, and SIGHTLINE_METRICS_PORT to a free port, or to 0 for any"
        ) from None


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, host: str, port: int, probes: dict[str, Probe], registry: CollectorRegistry) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.probes = probes
        super().__init__((host, port), _Handler.factory(registry))

    def server_bind(self) -> None:
        # HTTPServer would resolve its own host name here, which can hang as long as DNS hangs.
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (signature of socketserver)
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            _log.error("endpoint_failed", client=client_address, exc_info=True)


class _Handler(MetricsHandler):
    server: _Server
    timeout = 5.0

    def do_GET(self) -> None:  # noqa: N802 (name of http.server)
        path = self.path.partition("?")[0]
        if path == "/metrics":
            super().do_GET()
        elif path in self.server.probes:
            problems = self.server.probes[path]()
            self._answer(503 if problems else 200, "\n".join(problems) or "ok")
        else:
            self._answer(404, f"{printable(path)} does not exist: use /metrics, /healthz or /readyz")

    def do_HEAD(self) -> None:  # noqa: N802 (name of http.server)
        """Answer as to GET, without the body."""
        connection, self.wfile = self.wfile, BytesIO()
        self.do_GET()
        head, end, _ = self.wfile.getvalue().partition(b"\r\n\r\n")
        self.wfile = connection
        self.wfile.write(head + end)

    def _answer(self, status: int, text: str) -> None:
        body = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
