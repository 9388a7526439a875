"""From uploads to the features of their pictures, with the fake encoder and an object store in a folder."""

import asyncio
import csv
import hashlib
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import stamina
from PIL import Image

from inference.errors import BadEmbedding, EncoderUnavailable
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.uploads.image_fetcher import Fetcher
from streams.uploads.object_store import Objects
from streams.uploads.picture_features import OBJECT_ATTEMPTS, PICTURES_HELD
from streams.uploads.references import PICTURE, Kind
from tests.harness.paths import ODD_IMAGES
from tests.harness.uploads import Studio, record, shirt, upload

MANIFEST = ODD_IMAGES / "manifest.csv"
ROWS = list(csv.DictReader(MANIFEST.read_text().splitlines())) if MANIFEST.exists() else []


@pytest.fixture
def studio() -> Studio:
    return Studio()


@pytest.fixture
def store(tmp_path: Path) -> Studio:
    """A studio whose object store is this test's folder."""
    return Studio(Objects(tmp_path.as_uri()))


@pytest.fixture
def no_waits() -> Iterator[None]:
    """As many attempts as ever, none of them waited for."""
    with stamina.set_testing(True, attempts=OBJECT_ATTEMPTS, cap=True):
        yield


# An object store


async def test_a_picture_is_read_from_the_object_store(store: Studio, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "i1.png").write_bytes(shirt())
    await store.handle([record(0, upload("i1", image_ref="shop/i1.png"))])
    assert [item.item_id for item in store.items()] == ["i1"]


async def test_a_missing_object_is_a_dead_letter_after_some_attempts(store: Studio, no_waits: None) -> None:
    await store.handle([record(0, upload("i1", image_ref="not/here.png")), record(1, upload("i2"))])
    assert store.reasons() == ["object_missing"]
    assert [item.item_id for item in store.items()] == ["i2"]


class Late(Objects):
    """An object store that fails a few times before it gives the picture."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__(None)
        self.failures = list(failures)

    async def read(self, key: str, kind: Kind = PICTURE) -> bytes:
        if self.failures:
            raise self.failures.pop()
        return shirt()


async def test_an_object_that_comes_a_little_later_than_its_event_is_read(no_waits: None) -> None:
    studio = Studio(Late(ObjectMissing("not yet"), ObjectsUnavailable("503"), ObjectMissing("not yet")))
    await studio.handle([record(0, upload("i1", image_ref="i1.png"))])
    assert [item.item_id for item in studio.items()] == ["i1"]


async def test_an_object_store_that_does_not_answer_is_a_dead_letter_of_its_own_reason(no_waits: None) -> None:
    studio = Studio(Late(*[ObjectsUnavailable("503")] * 20))
    await studio.handle([record(0, upload("i1", image_ref="i1.png"))])
    assert studio.reasons() == ["object_unavailable"]


@pytest.mark.parametrize("ref", ["../secret", "/etc/passwd", "a//b", "a/../../b", "s3://other/key", "a\x00b", "."])
async def test_a_key_that_is_not_plain_is_refused(store: Studio, ref: str) -> None:
    await store.handle([record(0, upload("i1", image_ref=ref))])
    assert store.reasons() == ["bad_object_key"]


class Shelf(Fetcher):
    """One picture at one address."""

    async def read(self, address: str, kind: Kind = PICTURE) -> bytes:
        assert address == "HTTPS://cdn.example.com/i1.png"
        return shirt()


async def test_a_picture_is_read_from_an_address_where_those_are_on() -> None:
    studio = Studio(fetcher=Shelf(()))
    await studio.handle([record(0, upload("i1", image_ref="HTTPS://cdn.example.com/i1.png"))])
    assert [item.item_id for item in studio.items()] == ["i1"]


async def test_an_address_is_refused_where_those_are_off(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", image_ref="https://cdn.example.com/i1.png"))])
    (letter,) = studio.publisher.dead_letters()
    assert (letter.reason, "SIGHTLINE_IMAGE_HOSTS" in letter.error) == ("bad_image_url", True)


async def test_a_reference_without_an_object_store_is_refused_and_says_what_to_set(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", image_ref="i1.png"))])
    (letter,) = studio.publisher.dead_letters()
    assert letter.reason == "no_object_store"
    assert "SIGHTLINE_OBJECT_STORE" in letter.error


async def test_a_picture_with_the_sum_it_was_sent_with_is_taken(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", shirt(), sha256=hashlib.sha256(shirt()).hexdigest()))])
    assert len(studio.items()) == 1


async def test_a_picture_with_another_sum_is_refused(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", shirt(), sha256="0" * 64))])
    assert studio.reasons() == ["checksum_mismatch"]


# Decoding


def bomb() -> bytes:
    """A PNG of 50 bytes that promises 900 million pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    checked = header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + checked + struct.pack(">I", 1000) + b"IDAT"


BAD_PICTURES = {
    "text": (b"this is not a picture, it is a sentence", "not_an_image"),
    "truncated": (shirt(format_="JPEG")[:1500], "truncated"),
    "empty": (b"", "empty"),
    "bomb": (bomb(), "too_many_pixels"),
}


@pytest.mark.parametrize(("picture", "reason"), BAD_PICTURES.values(), ids=BAD_PICTURES.keys())
async def test_a_bad_picture_is_kept_whole_and_the_next_upload_is_handled(
    studio: Studio, picture: bytes, reason: str
) -> None:
    bad = record(0, upload("bad", picture))
    await studio.handle([bad, record(1, upload("i2"))])
    (letter,) = studio.publisher.dead_letters()
    assert (letter.reason, letter.error.split(":")[0]) == ("bad_image", reason)
    assert (letter.key, letter.value, letter.offset) == (b"bad", bad.value, 0)
    assert [item.item_id for item in studio.items()] == ["i2"]


async def test_a_picture_waits_for_a_decoder_that_cannot_be_started(studio: Studio) -> None:
    studio.starting = 2
    await studio.handle([record(0, upload("i1"))])
    assert [item.item_id for item in studio.items()] == ["i1"]
    assert studio.reasons() == []


def gray16() -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.full((300, 300), 40_000, np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return shirt(format_="JPEG", exif=exif)


GOOD_PICTURES = {
    "16-bit": gray16(),
    "CMYK": shirt(format_="JPEG", mode="CMYK"),
    "rotated": rotated(),
    "palette": shirt(mode="P"),
    "transparent": shirt(mode="RGBA"),
    "GIF": shirt(format_="GIF"),
    "WebP": shirt(format_="WEBP"),
}


@pytest.mark.parametrize("picture", GOOD_PICTURES.values(), ids=GOOD_PICTURES.keys())
async def test_a_picture_in_an_uncommon_dress_becomes_an_item(studio: Studio, picture: bytes) -> None:
    await studio.handle([record(0, upload("i1", picture))])
    assert [item.item_id for item in studio.items()] == ["i1"]
    assert studio.reasons() == []


@pytest.mark.skipif(not ROWS, reason="../shared/data/odd-images is not on this machine")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
async def test_every_odd_file_becomes_an_item_or_a_dead_letter_as_its_manifest_says(row: dict[str, str]) -> None:
    store = Studio(Objects(ODD_IMAGES.as_uri()))
    await store.handle([record(0, upload("odd", image_ref=row["file"])), record(1, upload("i2"))])
    outcome = ("decode" if len(store.items()) == 2 else "reject", len(store.items()) + len(store.reasons()))
    assert outcome in [(expect, 2) for expect in ("decode", "reject") if row["expect"] in (expect, "policy")]
    assert set(store.reasons()) <= {"bad_image"}


# The encoder


async def test_while_the_encoder_is_away_an_upload_waits_and_each_failure_is_reported(studio: Studio) -> None:
    studio.encoder.failure = EncoderUnavailable("connection refused")
    await studio.handle([record(0, upload("i1"))])
    assert [str(error) for error in studio.trouble] == ["connection refused", "connection refused"]
    assert [item.item_id for item in studio.items()] == ["i1"]
    assert studio.reasons() == []


async def test_an_unusable_embedding_is_a_dead_letter(studio: Studio) -> None:
    studio.encoder.failure = BadEmbedding("the embedding holds NaN or Inf")
    await studio.handle([record(0, upload("i1"))])
    (letter,) = studio.publisher.dead_letters()
    assert (letter.reason, letter.error) == ("bad_embedding", "the embedding holds NaN or Inf")
    assert studio.items() == []


# Several at once


class Heap(Objects):
    """Has the same picture under every key, and counts who read at once."""

    def __init__(self) -> None:
        super().__init__(None)
        self.reading = self.most = 0
        self._picture = shirt()

    async def read(self, key: str, kind: Kind = PICTURE) -> bytes:
        self.reading += 1
        self.most = max(self.most, self.reading)
        await asyncio.sleep(0.01)
        self.reading -= 1
        return self._picture


async def test_no_more_pictures_are_held_at_once_than_there_is_memory_for() -> None:
    heap = Heap()
    studio = Studio(heap)
    await studio.handle([record(n, upload(f"i{n}", image_ref=f"{n}.jpg")) for n in range(2 * PICTURES_HELD)])
    assert len(studio.items()) == 2 * PICTURES_HELD
    assert heap.most == PICTURES_HELD
