"""The features of a picture are kept by its bytes; `compute` stands for decoding and encoding it."""

import asyncio
from collections.abc import Callable
from hashlib import sha256

import numpy as np
import pytest

from inference.encoders.encoder import Encoding
from streams.errors import InvalidEvent
from streams.metrics import DUPLICATES
from streams.uploads.encoding_cache import EncodingCache, PictureFeatures

VERSION = "fake@1"


class Computing:
    """Computes features and remembers of which pictures; raises `failure`, and waits until `open`."""

    def __init__(self) -> None:
        self.pictures: list[bytes] = []
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    def of(self, picture: bytes, version: str) -> Callable[[], "asyncio.Future[PictureFeatures]"]:
        async def compute() -> PictureFeatures:
            self.pictures.append(picture)
            await self.open.wait()
            if self.failure is not None:
                raise self.failure
            return PictureFeatures(Encoding(np.ones(1, np.float32), (), version), ((picture.decode(), 1.0),))

        return lambda: asyncio.ensure_future(compute())


class Room:
    """A cache, and what computes what it does not have."""

    def __init__(self, limit: int = 3) -> None:
        self.cache = EncodingCache(limit)
        self.computing = Computing()

    async def get(self, picture: bytes, version: str = VERSION, *, keep: bool = True) -> PictureFeatures:
        return await self.cache.get_or_compute(
            sha256(picture).digest(), version, self.computing.of(picture, version), keep=keep
        )


@pytest.fixture
async def room() -> Room:
    return Room()


async def test_the_same_bytes_are_computed_once(room: Room) -> None:
    assert await room.get(b"red") is await room.get(b"red")
    assert room.computing.pictures == [b"red"]


async def test_other_bytes_are_computed_for_themselves(room: Room) -> None:
    features = [await room.get(picture) for picture in (b"red", b"blue", b"red")]
    assert [each.colours[0][0] for each in features] == ["red", "blue", "red"]
    assert room.computing.pictures == [b"red", b"blue"]


async def test_another_version_of_the_encoder_computes_again(room: Room) -> None:
    await room.get(b"red")
    assert (await room.get(b"red", "fake@2")).encoding.version == "fake@2"
    assert room.computing.pictures == [b"red", b"red"]


async def test_the_same_picture_at_the_same_time_is_computed_once(room: Room) -> None:
    room.computing.open.clear()
    waiting = [asyncio.create_task(room.get(b"red")) for _ in range(5)]
    await asyncio.sleep(0)
    room.computing.open.set()
    features = await asyncio.gather(*waiting)
    assert (len(set(map(id, features))), room.computing.pictures) == (1, [b"red"])


async def test_a_refusal_is_not_kept(room: Room) -> None:
    room.computing.failure = InvalidEvent("bad_image", "cut short")
    for _ in range(2):
        with pytest.raises(InvalidEvent):
            await room.get(b"red")
    assert (room.computing.pictures, len(room.cache)) == ([b"red", b"red"], 0)


async def test_who_waited_for_a_picture_that_was_refused_has_it_computed_again(room: Room) -> None:
    room.computing.failure = InvalidEvent("bad_image", "cut short")
    outcomes = await asyncio.gather(room.get(b"red"), room.get(b"red"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [InvalidEvent, InvalidEvent]
    assert room.computing.pictures == [b"red", b"red"]


async def test_who_waited_for_one_that_was_cancelled_goes_on_alone(room: Room) -> None:
    room.computing.open.clear()
    first, second = (asyncio.create_task(room.get(b"red")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    room.computing.open.set()
    assert (await second).colours == (("red", 1.0),)
    assert first.cancelled()


async def test_what_is_not_to_be_kept_is_not_kept(room: Room) -> None:
    await room.get(b"red", keep=False)
    assert len(room.cache) == 0


async def test_no_more_is_kept_than_the_limit_and_the_longest_unused_goes_first(room: Room) -> None:
    for picture in (b"1", b"2", b"3", b"1", b"4"):
        await room.get(picture)
    assert len(room.cache) == 3
    room.computing.pictures.clear()
    for picture in (b"3", b"1", b"4", b"2"):
        await room.get(picture)
    assert room.computing.pictures == [b"2"]


async def test_what_is_found_again_is_counted(room: Room) -> None:
    before = DUPLICATES.labels("picture")._value.get()
    for _ in range(3):
        await room.get(b"red")
    assert DUPLICATES.labels("picture")._value.get() == before + 2
