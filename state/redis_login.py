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

#: What Redis and its client say of a refusal, in part, and what to do about it; the first that fits.
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


def remedy(told: str) -> str | None:
    """What to do where Redis refused us or we did not trust it; None where neither is the case.

    >>> remedy("-NOAUTH Authentication required.")
    'correct SIGHTLINE_REDIS_USERNAME and _PASSWORD'
    """
    return next((advice for signs, advice in _REFUSALS if any(sign in told for sign in signs)), None)


#: What the workers' user needs, as rules of an ACL of Redis: our keys all begin with `{`, no command is the server's.
COMMANDS: Final = (
    "~{* -@all +@connection +@read +@write +@transaction -@dangerous -function +info "
    "+function|load +fcall +fcall_ro +cluster|slots +cluster|shards +cluster|nodes"
)

#: And for the index that workers share; a Redis 7 refuses a rule with these names.
VECTOR_COMMANDS: Final = "+vadd +vrem +vsim +vcard"
