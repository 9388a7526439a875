"""Who a client is to Redis, and how it knows the server."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAccess:
    """Who we are to Redis, and, for `rediss://`, whom we trust (PEM; the system's authorities without `ca_file`)."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def options(self, url: str) -> dict[str, Any]:
        """What redis-py takes for a connection to this address."""
        options: dict[str, Any] = {"username": self.username, "password": self.password}
        if url.startswith("rediss:"):
            files = {"ssl_ca_certs": self.ca_file, "ssl_certfile": self.cert_file, "ssl_keyfile": self.key_file}
            options |= {name: str(file) for name, file in files.items() if file is not None}
        return options

    def tls_context(self) -> ssl.SSLContext:
        """The context in which Redis's certificate and host name are verified."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


OPEN: Final = RedisAccess()

#: What the workers' user needs, as rules of an ACL of Redis: our keys all begin with `{`, no command is the server's.
COMMANDS: Final = (
    "~{* -@all +@connection +@read +@write +@transaction -@dangerous -function +info "
    "+function|load +fcall +fcall_ro +cluster|slots +cluster|shards +cluster|nodes"
)
