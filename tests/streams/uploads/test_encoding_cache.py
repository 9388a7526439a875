"""What was seen in a picture is kept by its bytes; `see` stands for decoding and encoding it."""

import asyncio
from collections.abc import Callable
from hashlib import sha256

import numpy as np
import pytest

from inference.encoders.triton import Encoding
from streams.errors import InvalidEvent
from streams.metrics import DUPLICATES
from streams.uploads.encoding_cache import EncodingCache, PictureFeatures

VERSION = "fake@1"


class Eyes:
    """Sees pictures, and remembers which; raises `failure`, and waits while `shut`."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    def on(self, picture: bytes, version: str) -> Callable[[], "asyncio.Future[PictureFeatures]"]:
        async def see() -> PictureFeatures:
            self.seen.append(picture)
            await self.open.wait()
            if self.failure is not None:
                raise self.failure
            return PictureFeatures(Encoding(np.ones(1, np.float32), (), version), ((picture.decode(), 1.0),))

        return lambda: asyncio.ensure_future(see())


class Room:
    """A cache, and eyes for what it does not have."""

    def __init__(self, limit: int = 3) -> None:
        self.cache = EncodingCache(limit)
        self.eyes = Eyes()

    async def look(self, picture: bytes, version: str = VERSION, *, keep: bool = True) -> PictureFeatures:
        return await self.cache.look(sha256(picture).digest(), version, self.eyes.on(picture, version), keep=keep)


@pytest.fixture
async def room() -> Room:
    return Room()


async def test_the_same_bytes_are_seen_once(room: Room) -> None:
    assert await room.look(b"red") is await room.look(b"red")
    assert room.eyes.seen == [b"red"]


async def test_other_bytes_are_seen_for_themselves(room: Room) -> None:
    looks = [await room.look(picture) for picture in (b"red", b"blue", b"red")]
    assert [look.colours[0][0] for look in looks] == ["red", "blue", "red"]
    assert room.eyes.seen == [b"red", b"blue"]


async def test_another_version_of_the_encoder_sees_again(room: Room) -> None:
    await room.look(b"red")
    assert (await room.look(b"red", "fake@2")).encoding.version == "fake@2"
    assert room.eyes.seen == [b"red", b"red"]


async def test_the_same_picture_at_the_same_time_is_seen_once(room: Room) -> None:
    room.eyes.open.clear()
    looking = [asyncio.create_task(room.look(b"red")) for _ in range(5)]
    await asyncio.sleep(0)
    room.eyes.open.set()
    looks = await asyncio.gather(*looking)
    assert (len(set(map(id, looks))), room.eyes.seen) == (1, [b"red"])


async def test_a_refusal_is_not_kept(room: Room) -> None:
    room.eyes.failure = InvalidEvent("bad_image", "cut short")
    for _ in range(2):
        with pytest.raises(InvalidEvent):
            await room.look(b"red")
    assert (room.eyes.seen, len(room.cache)) == ([b"red", b"red"], 0)


async def test_who_waited_for_a_picture_that_was_refused_has_it_judged_anew(room: Room) -> None:
    room.eyes.failure = InvalidEvent("bad_image", "cut short")
    outcomes = await asyncio.gather(room.look(b"red"), room.look(b"red"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [InvalidEvent, InvalidEvent]
    assert room.eyes.seen == [b"red", b"red"]


async def test_who_waited_for_one_that_was_cancelled_goes_on_alone(room: Room) -> None:
    room.eyes.open.clear()
    first, second = (asyncio.create_task(room.look(b"red")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    room.eyes.open.set()
    assert (await second).colours == (("red", 1.0),)
    assert first.cancelled()


async def test_what_is_not_to_be_kept_is_not_kept(room: Room) -> None:
    await room.look(b"red", keep=False)
    assert len(room.cache) == 0


async def test_no_more_is_kept_than_the_limit_and_the_longest_unused_goes_first(room: Room) -> None:
    for picture in (b"1", b"2", b"3", b"1", b"4"):
        await room.look(picture)
    assert len(room.cache) == 3
    room.eyes.seen.clear()
    for picture in (b"3", b"1", b"4", b"2"):
        await room.look(picture)
    assert room.eyes.seen == [b"2"]


async def test_what_is_found_again_is_counted(room: Room) -> None:
    before = DUPLICATES.labels("picture")._value.get()
    for _ in range(3):
        await room.look(b"red")
    assert DUPLICATES.labels("picture")._value.get() == before + 2
