"""Which snapshots are used, and that writing one does not hold up the writer."""

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from inference.catalog.catalog import Catalog
from inference.catalog.snapshot import find_snapshot
from streams.catalog.snapshots import Snapshots
from streams.kafka.continuity import Log
from streams.kafka.log_reader import Extent
from tests.harness.catalog import DIMENSIONS, NOW, item, reds_and_blues
from tests.harness.fakes import Clock, until

HOUR = 3_600_000
TOPIC = Log("state.catalog", "topic-1", {0: Extent(0, 12), 1: Extent(0, 8)})
ENDS = {0: 12, 1: 8}


@pytest.fixture
def catalog() -> Catalog:
    catalog = Catalog(DIMENSIONS)
    catalog.apply(reds_and_blues(10))
    return catalog


def snapshots(folder: Path, *, now_ms: int = NOW, changes: int = 20) -> Snapshots:
    """As a worker has them that read its topic."""
    made = Snapshots(folder, 15, clock_ms=Clock(now_ms))
    made.load(Catalog(DIMENSIONS), TOPIC)
    made.changes = changes
    return made


def loaded(folder: Path, topic: Log = TOPIC, *, now_ms: int = NOW, encoder: str | None = None) -> tuple[int, ...]:
    """The offsets that a new worker goes on from, and how many items it has by then."""
    catalog = Catalog(DIMENSIONS, encoder=encoder)
    offsets = Snapshots(folder, 15, clock_ms=Clock(now_ms)).load(catalog, topic)
    return (*offsets.values(), catalog.counts().searchable)


async def test_a_worker_goes_on_where_the_snapshot_ends(catalog: Catalog, tmp_path: Path) -> None:
    await snapshots(tmp_path).write(catalog, {0: 10, 1: 8})
    assert loaded(tmp_path) == (10, 8, 20)


async def test_without_a_snapshot_everything_is_read(tmp_path: Path) -> None:
    assert loaded(tmp_path) == (0,)


async def test_what_is_written_is_the_catalogue_of_that_moment(catalog: Catalog, tmp_path: Path) -> None:
    offsets = dict(ENDS)
    writing = asyncio.create_task(snapshots(tmp_path).write(catalog, offsets))
    await asyncio.sleep(0)
    catalog.apply([("red-0", None), ("red-20", item("red-20")), ("red-21", item("red-21"))])
    offsets[0] = 99
    await writing
    assert loaded(tmp_path) == (12, 8, 20)


@pytest.mark.parametrize(
    "topic",
    [
        replace(TOPIC, topic_id="topic-2"),
        replace(TOPIC, extents={0: Extent(0, 11), 1: Extent(0, 8)}),
        replace(TOPIC, extents={0: Extent(0, 12), 1: Extent(9, 20)}),
        replace(TOPIC, extents={0: Extent(0, 12)}),
        replace(TOPIC, extents={0: Extent(0, 12), 1: Extent(0, 8), 2: Extent(0, 0)}),
    ],
    ids=["made anew", "ends before it", "begins after it", "fewer partitions", "more partitions"],
)
async def test_a_topic_that_does_not_continue_it_is_read_in_full(catalog: Catalog, tmp_path: Path, topic: Log) -> None:
    await snapshots(tmp_path).write(catalog, ENDS)
    assert loaded(tmp_path, topic) == (0,)


async def test_one_older_than_what_the_topic_tells_of_deletions_is_not_used(catalog: Catalog, tmp_path: Path) -> None:
    await snapshots(tmp_path).write(catalog, {0: 11, 1: 8})
    assert loaded(tmp_path, now_ms=NOW + 23 * HOUR - 1) == (11, 8, 20)
    assert loaded(tmp_path, now_ms=NOW + 23 * HOUR) == (0,)


async def test_one_from_the_future_is_not_used(catalog: Catalog, tmp_path: Path) -> None:
    await snapshots(tmp_path).write(catalog, {0: 11, 1: 8})
    assert loaded(tmp_path, now_ms=NOW - 1) == (0,)


async def test_an_old_one_is_used_where_nothing_has_happened_since(catalog: Catalog, tmp_path: Path) -> None:
    await snapshots(tmp_path).write(catalog, ENDS)
    assert loaded(tmp_path, now_ms=NOW + 900 * HOUR) == (12, 8, 20)


async def test_another_encoders_vectors_are_not_used(catalog: Catalog, tmp_path: Path) -> None:
    await snapshots(tmp_path).write(catalog, ENDS)
    assert loaded(tmp_path, encoder="fake@2") == (0,)


async def test_a_torn_one_is_not_used(catalog: Catalog, tmp_path: Path) -> None:
    await snapshots(tmp_path).write(catalog, ENDS)
    found = find_snapshot(tmp_path)
    assert found is not None
    (found.folder / "vectors.npy").write_bytes(b"torn")
    assert loaded(tmp_path) == (0,)


async def test_a_folder_that_cannot_be_written_is_told_and_no_failure(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    written = snapshots(tmp_path / "file")
    await written.write(catalog, ENDS)
    assert written.changes == 20


async def test_one_that_takes_too_long_is_given_up(catalog: Catalog, tmp_path: Path) -> None:
    written = snapshots(tmp_path)
    begun = time.monotonic()
    await written.write(catalog, ENDS, patience_s=0)
    assert time.monotonic() - begun < 10
    assert written.changes == 20


def _children() -> set[str]:
    """The processes that this one has started, with what other tests keep running."""
    status = (path.read_text() for path in Path("/proc").glob("[0-9]*/stat") if path.exists())
    fields = ((line.partition(" ")[0], line.rpartition(")")[2].split()) for line in status)
    return {pid for pid, rest in fields if rest[1] == str(os.getpid())}


async def test_a_writer_that_ends_leaves_no_process(catalog: Catalog, tmp_path: Path) -> None:
    before = _children()
    writing = asyncio.create_task(snapshots(tmp_path).write(catalog, ENDS))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait({writing})
    await until(lambda: _children() <= before)


async def test_it_is_worth_writing_when_a_thousandth_has_changed(catalog: Catalog, tmp_path: Path) -> None:
    written = snapshots(tmp_path, changes=0)
    assert not written.is_worth(catalog)
    written.changes = 1
    assert written.is_worth(catalog)
    catalog.apply([(f"red-{n}", item(f"red-{n % 32}")) for n in range(2000)])
    await written.write(catalog, ENDS)
    written.changes = 1
    assert not written.is_worth(catalog)
    written.changes = 3
    assert written.is_worth(catalog)


async def test_an_empty_catalogue_is_not_worth_writing(tmp_path: Path) -> None:
    assert not snapshots(tmp_path).is_worth(Catalog(DIMENSIONS))


async def test_the_next_is_due_after_the_minutes_set(catalog: Catalog, tmp_path: Path) -> None:
    assert not snapshots(tmp_path).is_due(catalog)
    often = Snapshots(tmp_path, 0.0001)
    often.changes = 5
    await asyncio.sleep(0.01)
    assert often.is_due(catalog)
    assert not often.is_due(catalog)
