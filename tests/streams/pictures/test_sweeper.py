import os
from pathlib import Path
from typing import cast

from prometheus_client import REGISTRY

from streams.kafka.log_reader import KafkaLogReader
from streams.metrics import KEPT_PICTURES
from streams.objects.errors import ObjectsUnavailable
from streams.pictures.store import PictureStore
from streams.pictures.sweeper import LOOK_S, SWEEP_S, PictureSweeper
from streams.wire.namespace import Namespace
from tests.harness.fakes import MemoryLog

KEY = f"pictures/ab/{'ab' * 32}.320.webp"
NOW_S = 2e9


class ClosedLog(MemoryLog):
    """A log that can be closed."""

    def close(self) -> None:
        """Nothing is open."""


class NotingStore(PictureStore):
    """Notes the gauge of unnamed files at each removal; refuses to remove while `refuses`."""

    def __init__(self, home: Path) -> None:
        super().__init__(home.as_uri(), Namespace())
        self.refuses = False
        self.unnamed: list[float] = []

    async def remove(self, key: str) -> None:
        self.unnamed.append(counted("sightline_kept_pictures", state="unnamed"))
        if self.refuses:
            raise ObjectsUnavailable("you may not")
        await super().remove(key)


class Room:
    """A sweeper, its clock, and whether its worker has the first partition."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = NotingStore(home)
        self.now_s = NOW_S
        #: How often the catalogue was opened.
        self.opened = 0
        self.is_active = True
        self.sweeper = PictureSweeper(
            self.store,
            self._open_log,
            namespace=Namespace(),
            partitions=1,
            is_active=lambda: self.is_active,
            clock_s=lambda: self.now_s,
        )

    def _open_log(self) -> KafkaLogReader:
        self.opened += 1
        return cast(KafkaLogReader, ClosedLog())

    async def keep_old(self) -> None:
        await self.store.write(KEY, b"webp")
        os.utime(self.home / KEY, (1000, 1000))

    async def is_kept(self) -> bool:
        return await self.store.written_s(KEY) is not None


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_it_sweeps_at_once_and_then_once_an_hour(tmp_path: Path) -> None:
    room, before = Room(tmp_path), counted("sightline_pictures_total", outcome="removed")
    await room.keep_old()
    await room.sweeper.look()
    assert not await room.is_kept()
    assert counted("sightline_pictures_total", outcome="removed") == before + 1
    assert counted("sightline_kept_pictures", state="stored") == 1
    await room.keep_old()
    room.now_s += SWEEP_S - 1
    await room.sweeper.look()
    assert await room.is_kept()
    room.now_s += 1
    await room.sweeper.look()
    assert not await room.is_kept()


async def test_a_worker_that_takes_over_sweeps(tmp_path: Path) -> None:
    room = Room(tmp_path)
    await room.keep_old()
    room.is_active = False
    await room.sweeper.look()
    assert await room.is_kept()
    room.is_active = True
    await room.sweeper.look()
    assert not await room.is_kept()


async def test_a_worker_that_hands_over_says_no_more_what_lies_in_the_store(tmp_path: Path) -> None:
    room = Room(tmp_path)
    await room.keep_old()
    os.utime(tmp_path / KEY, (NOW_S, NOW_S))
    await room.sweeper.look()
    assert counted("sightline_kept_pictures", state="stored") == 1
    room.is_active = False
    await room.sweeper.look()
    assert [counted("sightline_kept_pictures", state=each) for each in ("stored", "missing", "unnamed")] == [0, 0, 0]
    assert counted("sightline_kept_pictures_bytes") == 0
    room.is_active = True
    await room.sweeper.look()
    assert counted("sightline_kept_pictures", state="stored") == 1


async def test_a_store_that_is_away_is_looked_at_again_soon(tmp_path: Path) -> None:
    room = Room(tmp_path / "home")
    (tmp_path / "home").write_text("in the way")
    await room.sweeper.look()
    (tmp_path / "home").unlink()
    await room.keep_old()
    room.now_s += LOOK_S
    await room.sweeper.look()
    assert not await room.is_kept()


async def test_while_a_store_is_away_the_catalogue_is_read_ever_more_rarely_but_once_an_hour(tmp_path: Path) -> None:
    room, read = Room(tmp_path / "home"), []
    (tmp_path / "home").write_text("in the way")
    for minute in range(4 * 60):
        before = room.opened
        await room.sweeper.look()
        read += [minute] * (room.opened - before)
        room.now_s += LOOK_S
    assert read == [0, 1, 3, 7, 15, 31, 63, 123, 183]


async def test_a_sweep_that_succeeds_makes_the_next_failure_short_again(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.store.refuses = True
    await room.keep_old()
    for wait_s in (LOOK_S, 2 * LOOK_S, 4 * LOOK_S):
        await room.sweeper.look()
        room.now_s += wait_s
    room.store.refuses = False
    await room.sweeper.look()
    assert not await room.is_kept()
    room.store.refuses = True
    await room.keep_old()
    for wait_s in (SWEEP_S, LOOK_S):
        room.now_s += wait_s
        await room.sweeper.look()
    assert len(room.store.unnamed) == 6


async def test_files_are_unnamed_when_they_were_not_removed_and_not_while_they_are(tmp_path: Path) -> None:
    room = Room(tmp_path)
    KEPT_PICTURES.labels("unnamed").set(0)
    await room.keep_old()
    await room.sweeper.look()
    assert room.store.unnamed == [0]
    assert counted("sightline_kept_pictures", state="unnamed") == 0
    room.store.refuses = True
    await room.keep_old()
    room.now_s += SWEEP_S
    await room.sweeper.look()
    assert counted("sightline_kept_pictures", state="unnamed") == 1
    room.store.refuses = False
    room.now_s += LOOK_S
    await room.sweeper.look()
    assert counted("sightline_kept_pictures", state="unnamed") == 0


async def test_it_stops_when_it_is_told_to(tmp_path: Path) -> None:
    sweeper = Room(tmp_path).sweeper
    await sweeper.start()
    await sweeper.stop()
    assert sweeper.failure is None
