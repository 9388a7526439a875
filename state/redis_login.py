"""Login and TLS of Redis clients."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAccess:
    """A client's login and, for `rediss://`, its TLS files (PEM; without `ca_file` the system's authorities count)."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def options(self, url: str) -> dict[str, Any]:
        """Return the options of redis-py for a connection to this address."""
        options: dict[str, Any] = {"username": self.username, "password": self.password}
        if url.startswith("rediss:"):
            files = {"ssl_ca_certs": self.ca_file, "ssl_certfile": self.cert_file, "ssl_keyfile": self.key_file}
            options |= {name: str(file) for name, file in files.items() if file is not None}
        return options

    def tls_context(self) -> ssl.SSLContext:
        """Return the context that verifies the certificate and host name of Redis."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


OPEN: Final = RedisAccess()

#: Parts of error messages of Redis and redis-py, and what to do; the first match counts.
_REFUSALS: Final = (
    (("Hostname mismatch", "IP address mismatch"), "SIGHTLINE_REDIS must name a host of the server's certificate"),
    (("certificate verify failed",), "set SIGHTLINE_REDIS_CA to the authority (PEM) that signed its certificate"),
    (
        ("Authentication required", "NOAUTH", "invalid username-password", "WRONGPASS"),
        "correct SIGHTLINE_REDIS_USERNAME and _PASSWORD",
    ),
    (("NOPERM", "no permissions"), "give its user the rights that docs/security.md lists"),
    (("unknown command 'V", "Unknown Redis command"), "SIGHTLINE_INDEX=redis needs Redis 8; else set it to memory"),
)


def remedy(message: str) -> str | None:
    """Return what to do about an error of login, TLS or permission; None for any other error.

    >>> remedy("-NOAUTH Authentication required.")
    'correct SIGHTLINE_REDIS_USERNAME and _PASSWORD'
    """
    return next((advice for signs, advice in _REFUSALS if any(sign in message for sign in signs)), None)


#: The ACL rules that the workers' user needs: only keys of ours, and no command that administers Redis.
COMMANDS: Final = (
    "~sightline:* -@all +@connection +@read +@write +@transaction -@dangerous -function +info "
    "+function|load +fcall +fcall_ro +cluster|slots +cluster|shards +cluster|nodes"
)

#: Further commands for the shared index. Redis 7 refuses a rule with these names.
VECTOR_COMMANDS: Final = "+vadd +vrem +vsim +vcard +vgetattr +vsetattr"
