"""GET /v1/operations: the metrics of all workers, for a page that shows them."""

import asyncio
import socket
import urllib.request
from collections.abc import Iterable
from itertools import chain
from typing import Final

import msgspec
from litestar import get
from prometheus_client import REGISTRY, Metric
from prometheus_client.parser import text_string_to_metric_families

from web.parts import FromParts

_TIMEOUT_S: Final = 2.0
_LIMIT: Final = 4 << 20
#: Workers are asked themselves, whatever proxy the environment names.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
#: What is shown; a histogram comes with its buckets.
_OURS: Final = "sightline_"


class Sample(msgspec.Struct, frozen=True):
    """One value of a metric."""

    labels: dict[str, str]
    value: float


class WorkerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics of one process by their full names; `up` is false for one that did not answer.

    `address` is its name where the setting gives one.
    """

    address: str
    up: bool
    metrics: dict[str, list[Sample]]


class Operations(msgspec.Struct, frozen=True):
    """All processes, this one first."""

    workers: list[WorkerFigures]


@get("/v1/operations", summary="The metrics of all workers")
async def operations(parts: FromParts) -> Operations:
    """Read the metrics of this process and of those in SIGHTLINE_WEB_WORKERS, now."""
    found = await asyncio.gather(*(asyncio.to_thread(_replicas, *each) for each in parts.settings.web_watched))
    others = await asyncio.gather(*(asyncio.to_thread(_read, *each) for each in chain.from_iterable(found)))
    return Operations([WorkerFigures(address="web", up=True, metrics=_ours(REGISTRY.collect())), *others])


def _replicas(name: str, address: str) -> list[tuple[str, str]]:
    """The processes that a host:port stands for, as what to show and where to ask: a service may have several."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except OSError:
        return [(name, address)]
    addresses = sorted({str(each[4][0]) for each in found})
    return [(name if len(addresses) == 1 else f"{name} ({each})", f"{each}:{port}") for each in addresses]


def _ours(families: Iterable[Metric]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for family in families:
        for sample in family.samples:
            if sample.name.startswith(_OURS):
                found.setdefault(sample.name, []).append(Sample(dict(sample.labels), sample.value))
    return found


def _read(name: str, address: str) -> WorkerFigures:
    try:
        with _OPENER.open(f"http://{address}/metrics", timeout=_TIMEOUT_S) as answer:
            text = answer.read(_LIMIT).decode()
    except (OSError, ValueError):
        return WorkerFigures(address=name, up=False, metrics={})
    return WorkerFigures(address=name, up=True, metrics=_ours(text_string_to_metric_families(text)))
