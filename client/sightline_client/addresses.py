"""Reads the addresses of servers: `host:port`, one or several."""

import re
from typing import Final

_SHOWN: Final = 100
_ADDRESS: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


def read_addresses(text: str) -> list[str]:
    """Return the host:port of each server of a list with commas; raises ValueError with what to correct.

    Spaces and empty places are passed over.

    >>> read_addresses(" k1:9092, [::1]:9092,")
    ['k1:9092', '[::1]:9092']
    """
    addresses = [each.strip() for each in text.split(",") if each.strip()]
    if not addresses:
        raise ValueError("has no address: give host:port")
    for address in addresses:
        _check(address)
    return addresses


def _check(address: str) -> None:
    shown = f"{address[:_SHOWN]}…" if len(address) > _SHOWN else address
    _, separator, rest = shown.rpartition("://")
    if separator:
        raise ValueError(f"must be host:port without a scheme: give {rest!r}, not {shown!r}")
    found = _ADDRESS.fullmatch(address)
    if found is not None and 1 <= int(found[1]) <= 65535:
        return
    if ":" not in address:
        raise ValueError(f"needs a port: give host:port, not {shown!r}")
    raise ValueError(f"must be host:port with a port from 1 to 65535, not {shown!r}")
