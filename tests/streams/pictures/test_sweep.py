"""A store, and a log of the catalogue that names some of what lies there."""

import asyncio
import os
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from prometheus_client import REGISTRY

from features.item import Item
from features.vision.kept_picture import KeptPicture, frames_key, full_key, preview_key
from state.codec import encode_item
from streams.objects.errors import ObjectsUnavailable
from streams.pictures.named import ReadingStopped, UnreadableRecord, mark, named_pictures
from streams.pictures.store import PictureStore
from streams.pictures.sweep import FEW_FILES, GRACE_S, TooManyUnnamed, remove, survey
from streams.wire.namespace import Namespace
from tests.harness.fakes import NOON, MemoryLog

PARTITIONS = 2
NOW_S = time.time()
OLD_S = NOW_S - GRACE_S - 60


def sha(name: str) -> str:
    return sha256(name.encode()).hexdigest()


class Shop:
    """Items by id, each with the picture of a name, in a catalogue and a store."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = PictureStore(home.as_uri(), Namespace())
        self.log = MemoryLog()

    async def keep(self, picture: str, *, at_s: float = OLD_S) -> None:
        """A picture and its preview, written at this time."""
        for key in (full_key("pictures", sha(picture)), preview_key("pictures", sha(picture))):
            await self.store.write(key, b"webp")
            os.utime(self.home / key, (at_s, at_s))

    def say(self, item_id: str, picture: str | None, *, partition: int = 0) -> None:
        """An item's record: with a picture, or without one."""
        hashed = sha(picture or "")
        kept = KeptPicture(full_key("pictures", hashed), preview_key("pictures", hashed), 9, 9, 4)
        item = Item(item_id, NOON, title="Shoe", kept_picture=kept if picture else None)
        self.log.append("state.catalog", partition, item_id.encode(), encode_item(item))

    def delete(self, item_id: str, *, partition: int = 0) -> None:
        self.log.append("state.catalog", partition, item_id.encode(), None)

    async def sweep(self, **options: bool) -> int:
        named = named_pictures(self.log, Namespace(), PARTITIONS)
        return await remove(self.store, await survey(self.store, named, NOW_S), NOW_S, **options)

    async def missing(self) -> int:
        return (await survey(self.store, named_pictures(self.log, Namespace(), PARTITIONS), NOW_S)).missing

    async def pictures(self) -> set[str]:
        return {each.sha256 async for each in self.store.files()}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


async def test_what_an_item_names_stays_and_what_none_names_goes_with_its_preview(shop: Shop) -> None:
    await shop.keep("shoe")
    await shop.keep("left over")
    shop.say("i1", "shoe")
    assert (await shop.sweep(), await shop.pictures()) == (2, {sha("shoe")})


async def test_the_key_frames_of_a_clip_go_with_its_picture(shop: Shop) -> None:
    await shop.keep("clip")
    key = frames_key("pictures", sha("clip"))
    await shop.store.write(key, b"webp")
    os.utime(shop.home / key, (OLD_S, OLD_S))
    shop.say("i1", "clip")
    assert (await shop.sweep(), await shop.missing()) == (0, 0)
    shop.delete("i1")
    assert (await shop.sweep(), await shop.pictures()) == (3, set())


async def test_a_picture_of_two_items_stays_until_the_last_of_them_is_deleted(shop: Shop) -> None:
    await shop.keep("shoe")
    shop.say("i1", "shoe", partition=0)
    shop.say("i2", "shoe", partition=1)
    shop.delete("i1", partition=0)
    assert (await shop.sweep(), await shop.pictures()) == (0, {sha("shoe")})
    shop.delete("i2", partition=1)
    assert (await shop.sweep(), await shop.pictures()) == (2, set())


async def test_a_picture_that_was_replaced_goes(shop: Shop) -> None:
    await shop.keep("old")
    await shop.keep("new")
    shop.say("i1", "old")
    shop.say("i1", "new")
    assert (await shop.sweep(), await shop.pictures()) == (2, {sha("new")})


async def test_a_picture_that_is_no_longer_kept_goes(shop: Shop) -> None:
    await shop.keep("old")
    shop.say("i1", "old")
    shop.say("i1", None)
    assert await shop.sweep() == 2


async def test_a_picture_whose_item_may_be_on_its_way_stays(shop: Shop) -> None:
    await shop.keep("just uploaded", at_s=NOW_S - GRACE_S + 60)
    assert (await shop.sweep(), await shop.pictures()) == (0, {sha("just uploaded")})


async def test_a_picture_stays_for_the_day_that_an_item_may_wait_after_the_half_in_which_it_may_name_the_file(
    shop: Shop,
) -> None:
    await shop.keep("shoe", at_s=NOW_S - 1.5 * 86_400 + 60)
    assert await shop.sweep() == 0
    await shop.keep("shoe", at_s=NOW_S - 1.5 * 86_400 - 60)
    assert await shop.sweep() == 2


async def test_what_an_interrupted_write_left_goes(shop: Shop) -> None:
    await shop.keep("shoe")
    shop.say("i1", "shoe")
    left = shop.home / f"{full_key('pictures', sha('shoe'))}#1"
    left.write_bytes(b"half")
    assert (await shop.sweep(), left.exists()) == (0, True)
    os.utime(left, (OLD_S, OLD_S))
    assert (await shop.sweep(), left.exists()) == (0, False)


async def test_a_large_catalogue_does_not_hold_up_the_event_loop(shop: Shop) -> None:
    await shop.keep("shoe")
    named = np.arange(4_000_000, dtype=np.uint64)
    before_s = time.thread_time()
    found = await survey(shop.store, named, NOW_S)
    assert time.thread_time() - before_s < 0.1
    assert (found.missing, len(found.unnamed)) == (4_000_000, 2)


async def test_a_picture_that_is_uploaded_again_during_a_sweep_stays(shop: Shop) -> None:
    await shop.keep("shoe")
    found = await survey(shop.store, named_pictures(shop.log, Namespace(), PARTITIONS), NOW_S)
    await shop.keep("shoe", at_s=NOW_S)
    assert (len(found.unnamed), await remove(shop.store, found, NOW_S)) == (2, 0)
    assert await shop.pictures() == {sha("shoe")}


class BreakingStore(PictureStore):
    """Goes away after so many removals."""

    def __init__(self, url: str, removals: int) -> None:
        super().__init__(url, Namespace())
        self.removals = removals

    async def remove(self, key: str) -> None:
        if not self.removals:
            raise ObjectsUnavailable("gone")
        self.removals -= 1
        await super().remove(key)


def removed() -> float:
    return REGISTRY.get_sample_value("sightline_pictures_total", {"outcome": "removed"}) or 0.0


class SlowStore(PictureStore):
    """Notes how many removals run at once, at most."""

    running = most = 0

    async def remove(self, key: str) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.01)
        await super().remove(key)
        self.running -= 1


async def test_files_are_removed_sixteen_at_a_time(shop: Shop) -> None:
    for number in range(20):
        await shop.keep(str(number))
    slow = SlowStore(shop.store.url, Namespace())
    found = await survey(slow, named_pictures(shop.log, Namespace(), PARTITIONS), NOW_S)
    assert (await remove(slow, found, NOW_S), slow.most, await shop.pictures()) == (40, 16, set())


@pytest.mark.parametrize("removals", [0, 1, 2, 3])
async def test_what_a_sweep_leaves_when_it_ends_in_the_middle_the_next_one_removes(shop: Shop, removals: int) -> None:
    for name in ("shoe", "hat", "coat"):
        await shop.keep(name)
    shop.say("i1", "shoe")
    breaking = BreakingStore(shop.store.url, removals)
    found = await survey(breaking, named_pictures(shop.log, Namespace(), PARTITIONS), NOW_S)
    before = removed()
    with pytest.raises(ObjectsUnavailable):
        await remove(breaking, found, NOW_S)
    assert removed() == before + removals
    assert (await shop.sweep(), await shop.pictures()) == (4 - removals, {sha("shoe")})


async def test_a_picture_written_by_a_worker_that_ended_before_it_published_the_item_goes_later(
    shop: Shop,
) -> None:
    await shop.keep("orphan", at_s=NOW_S)
    assert await shop.sweep() == 0
    await shop.keep("orphan", at_s=OLD_S)
    assert await shop.sweep() == 2


async def test_a_picture_that_an_item_names_and_that_is_not_there_is_missing(shop: Shop) -> None:
    await shop.keep("shoe")
    shop.say("i1", "shoe")
    shop.say("i2", "lost")
    assert await shop.missing() == 1


async def test_a_catalogue_that_names_next_to_nothing_removes_nothing_unless_told_to(shop: Shop) -> None:
    for number in range(FEW_FILES):
        await shop.keep(str(number))
    shop.say("i1", "0")
    with pytest.raises(TooManyUnnamed, match="no item names 198 of 200 files"):
        await shop.sweep()
    assert len(await shop.pictures()) == FEW_FILES
    assert await shop.sweep(even_most=True) == 198


async def test_a_catalogue_that_cannot_be_read_removes_nothing(shop: Shop) -> None:
    await shop.keep("shoe")
    shop.log.append("state.catalog", 1, b"i1", b"{")
    with pytest.raises(UnreadableRecord, match=r"state.catalog\[1\] offset 0 is no item"):
        await shop.sweep()


async def test_a_reading_that_is_stopped_does_not_look_like_a_whole_one(shop: Shop) -> None:
    shop.say("i1", "shoe", partition=0)
    shop.say("i2", "hat", partition=1)
    stop = Event()
    stop.set()
    with pytest.raises(ReadingStopped, match=r"state.catalog\[0\] was read up to offset 0"):
        named_pictures(shop.log, Namespace(), PARTITIONS, stop)


async def test_an_item_of_the_release_before_names_no_picture(shop: Shop) -> None:
    shop.log.append("state.catalog", 0, b"i1", b'{"item_id":"i1","changed_at_ms":5,"tags":[["jersey",0.7]]}')
    assert named_pictures(shop.log, Namespace(), PARTITIONS).tolist() == []


async def test_keys_of_others_in_a_record_are_passed_over(shop: Shop) -> None:
    kept = KeptPicture("pictures/../../etc/passwd", "", 1, 1, 1)
    shop.log.append("state.catalog", 0, b"i1", encode_item(replace(Item("i1", NOON), kept_picture=kept)))
    shop.say("i2", "shoe")
    assert named_pictures(shop.log, Namespace(), PARTITIONS).tolist() == [mark(sha("shoe"))]
