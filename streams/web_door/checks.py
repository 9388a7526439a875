"""What must hold between the settings of the web door; each check raises ValueError that says what to do."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Final

from pydantic import SecretStr

from streams.web_door.keys import WebKey

#: HS256 has keys of 256 bits at least (RFC 7518, section 3.2).
_SIGNER_LENGTH: Final = 32
#: As browsers write them: in lower case, without a path.
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
#: A name of DNS or an address of IPv4, and a port.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9_.-]+:[0-9]{1,5}")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on a host.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_reach(keys: Sequence[WebKey], others: Mapping[str, Any]) -> None:
    """Check that a door which other machines reach has keys."""
    host = others.get("web_host", "localhost")
    if not keys and not is_loopback(host):
        raise ValueError(
            f"must hold a key, since other machines reach {host}: `sightline web-key NAME --scope read` makes one; "
            "without keys set SIGHTLINE_WEB_HOST=127.0.0.1"
        )


def split_signers(value: SecretStr | None) -> tuple[str, ...]:
    """The keys of a setting that may have an old one behind a comma."""
    return tuple(key.strip() for key in value.get_secret_value().split(",") if key.strip()) if value else ()


def check_signers(value: SecretStr | None, others: Mapping[str, Any]) -> None:
    """Check that each key that signs tokens is long enough, and that tokens are of use."""
    if value is None:
        return
    signers = split_signers(value)
    if not signers or min(map(len, signers)) < _SIGNER_LENGTH:
        raise ValueError(f"must have at least {_SIGNER_LENGTH} characters; so must each further key after a comma")
    if others.get("web_keys") == "":
        raise ValueError("is of no use without SIGHTLINE_WEB_KEYS: everybody on this machine may do everything")


def read_origins(text: str) -> tuple[str, ...]:
    """The origins of the setting.

    >>> read_origins("https://shop.example, http://localhost:3000")
    ('https://shop.example', 'http://localhost:3000')
    """
    origins = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin[:80]!r} is no origin as browsers send it: write https://shop.example, "
                "in lower case and without a path; `*` is not possible"
            )
    return origins


def read_workers(text: str) -> tuple[tuple[str, str], ...]:
    """The workers of the setting: the name to show, which is the address where none is given, and host:port.

    >>> read_workers("items=127.0.0.1:9102, uploads:9100")
    (('items', '127.0.0.1:9102'), ('uploads:9100', 'uploads:9100'))
    """
    workers = []
    for part in (part.strip() for part in text.split(",") if part.strip()):
        name, _, address = part.rpartition("=")
        if not _ADDRESS.fullmatch(address):
            raise ValueError(
                f"{part[:80]!r} is no worker: write host:port, or name=host:port, such as items=10.0.0.7:9100"
            )
        workers.append((name.strip() or address, address))
    return tuple(workers)
