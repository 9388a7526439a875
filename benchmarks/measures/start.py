"""The time until a new worker has the catalogue: from the topic, and from a snapshot, each in a new process.

Run as a module this is that process: it starts the replica, prints the times, writes a snapshot, and ends.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.catalogue import draw_items, publish_items
from benchmarks.harness.own_stack import own_stack
from deploy.service import Progress
from inference.catalog.catalog import Catalog
from inference.catalog.snapshot import Origin, write_snapshot
from streams.catalog.replica import CatalogReplica
from streams.catalog.snapshots import Snapshots
from streams.kafka.admin import create_topics, read_log
from streams.logs import configure_logs
from streams.settings import Settings
from streams.wire import topics
from streams.wire.namespace import Namespace

#: Larger catalogues skip Kafka: the snapshot is made from drawn items, and `read_s` is not measured.
THROUGH_KAFKA = 200_000
_DRAWN_AT_ONCE = 10_000
_PROBE_S = 0.001


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the start of a process to a complete catalogue, and the cost of the snapshot.

    `read_s` is None if the catalogue was not read from the topic. `held_up_ms` is the longest time for which the
    event loop was blocked while the snapshot was written.
    """

    items: int
    read_s: float | None
    snapshot_s: float
    snapshot_write_s: float
    held_up_ms: float | None
    bytes: int


def measure_start(settings: Settings, *, items: int, progress: Progress = lambda _: None) -> Start:
    """Fill a catalogue topic on a separate Kafka and start replicas of it, the first without a snapshot."""
    with own_stack(settings, progress, services=("kafka",)) as (own, endpoints):
        create_topics(endpoints.kafka, Namespace(own.topic_prefix), own.partitions, 1)
        topic, folder = Namespace(own.topic_prefix).topic(topics.CATALOG), own.home / "snapshots"
        read: dict[str, Any] = {}
        if items <= THROUGH_KAFKA:
            for seed, count in _parts(items):
                publish_items(endpoints.kafka, topic, draw_items(count, own.dimensions, seed=seed, first=seed))
            progress(f"{items:,} items are in the topic")
            read = _start(endpoints.kafka, topic, own.dimensions, folder)
            progress(f"read in {read['start_s']:.2f} s; snapshot written in {read['write_s']:.2f} s")
            write_s = float(read["write_s"])
        else:
            write_s = _fill(endpoints.kafka, topic, own.dimensions, folder, items, progress)
        loaded = _start(endpoints.kafka, topic, own.dimensions, folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert loaded["items"] == items, f"{loaded['items']} items came from the snapshot of {items}"
    return Start(
        items=items,
        read_s=read.get("start_s"),
        snapshot_s=loaded["start_s"],
        snapshot_write_s=round(write_s, 3),
        held_up_ms=read.get("held_up_ms"),
        bytes=size,
    )


def _parts(items: int) -> Iterator[tuple[int, int]]:
    """The number of the first item of each part, and the count of items in it."""
    return ((first, min(_DRAWN_AT_ONCE, items - first)) for first in range(0, items, _DRAWN_AT_ONCE))


def _fill(kafka: str, topic: str, dimensions: int, folder: Path, items: int, progress: Progress) -> float:
    """Write a snapshot of drawn items at the current end of the topic; returns the seconds of the writing."""
    catalog = Catalog(dimensions)
    for first, count in _parts(items):
        catalog.apply([(item.item_id, item) for item in draw_items(count, dimensions, seed=first, first=first)])
        progress(f"{first + count:,} of {items:,} items are indexed")
    log = read_log(kafka, topic)
    offsets = {partition: extent.end for partition, extent in log.extents.items()}
    begun = time.perf_counter()
    write_snapshot(folder, catalog, Origin(log.topic_id, offsets, time.time_ns() // 1_000_000))
    return time.perf_counter() - begun


def _start(kafka: str, topic: str, dimensions: int, folder: Path) -> dict[str, Any]:
    """Start a new process of this module and return the figures that it prints."""
    begun = time.time()
    command = [
        sys.executable,
        "-m",
        "benchmarks.measures.start",
        kafka,
        topic,
        str(dimensions),
        str(folder),
        str(begun),
    ]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 (our own)
    figures: dict[str, Any] = json.loads(output.splitlines()[-1])
    return figures


async def _run(kafka: str, topic: str, dimensions: int, folder: Path, begun: float) -> dict[str, float]:
    catalog, snapshots = Catalog(dimensions), Snapshots(folder, 600)
    replica = CatalogReplica(kafka, topic, catalog, snapshots=snapshots)
    await replica.start()
    start_s = time.time() - begun
    probe = asyncio.create_task(_longest_pause())
    await asyncio.sleep(0.1)
    begun_write = time.perf_counter()
    await replica.stop()
    write_s = time.perf_counter() - begun_write
    probe.cancel()
    return {
        "items": catalog.counts().searchable,
        "start_s": round(start_s, 3),
        "write_s": round(write_s, 3),
        "held_up_ms": round(1000 * await probe, 2),
    }


async def _longest_pause() -> float:
    """The longest time in seconds for which the event loop was blocked; runs until cancelled."""
    longest = 0.0
    try:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_PROBE_S)
            longest = max(longest, time.perf_counter() - before - _PROBE_S)
    except asyncio.CancelledError:
        return longest


def main() -> None:
    """The process; arguments are kafka, topic, dimensions, folder of the snapshots, and start time (Unix s)."""
    kafka, topic, dimensions, folder, begun = sys.argv[1:]
    configure_logs("warning")
    print(json.dumps(asyncio.run(_run(kafka, topic, int(dimensions), Path(folder), float(begun)))))


if __name__ == "__main__":
    main()
