"""New pictures, with the fake encoder, an object store in a folder, and a publisher that remembers."""

import asyncio
import csv
import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import stamina
from PIL import Image

from features.item import key_of
from inference.errors import BadEmbedding, EncoderUnavailable
from state.signals import partition_of
from streams.uploads.agent import OBJECT_ATTEMPTS, PICTURES_HELD
from streams.uploads.image_fetcher import Fetcher
from streams.uploads.object_store import ObjectMissing, Objects, ObjectsUnavailable
from streams.wire.events import Interaction
from streams.wire.parsing import parse_interaction
from streams.wire.records import Record
from tests.harness.fakes import NOON, until
from tests.harness.paths import ODD_IMAGES
from tests.harness.uploads import BLUE, PARTITIONS, Studio, query, record, shirt, upload

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


# A picture becomes an item


async def test_an_upload_becomes_an_item_with_its_embedding_as_unit_float16(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    (item,) = studio.items()
    assert item.embedding is not None
    assert len(item.embedding) == 2 * 256
    assert np.linalg.norm(item.vector()) == pytest.approx(1, abs=1e-2)
    assert item.encoder == "fake@1"


async def test_an_item_has_the_tags_of_the_encoder_and_the_colours_of_the_picture(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", shirt(BLUE)))])
    (item,) = studio.items()
    assert item.tags == (("picture", 0.9),)
    assert item.colours[0][0] == "blue"
    assert item.colours[0][1] > 0.5


async def test_an_item_belongs_to_its_uploader_and_knows_both_times(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", user_id="u5"))])
    (item,) = studio.items()
    assert (item.owner, item.uploaded_at_ms, item.changed_at_ms) == ("u5", NOON, NOON - 50)


async def test_an_item_has_what_the_upload_says_of_it(studio: Studio) -> None:
    said: dict[str, Any] = {
        "title": "Red shirt",
        "category": "shirts",
        "price": 19.5,
        "currency": "EUR",
        "in_stock": False,
    }
    await studio.handle([record(0, upload("i1", **said))])
    (item,) = studio.items()
    assert {name: getattr(item, name) for name in said} == said


async def test_a_time_far_off_is_clamped(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", occurred_at_ms=0)), record(1, upload("i2", occurred_at_ms=2**62))])
    assert [item.changed_at_ms for item in studio.items()] == [NOON - 7 * 86_400_000, NOON + 300_000]


async def test_an_item_goes_to_the_partition_of_state_signals_that_holds_it(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    (message,) = studio.publisher.to("state.signals")
    assert (message.key, message.partition) == (b"i1", partition_of(key_of("i1"), PARTITIONS))


async def test_the_uploader_has_an_upload_interaction_that_the_hub_can_read(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", user_id="u5"))])
    (message,) = studio.publisher.to("events.interactions")
    event = parse_interaction(Record("events.interactions", 0, 0, NOON, message.key, message.value))
    assert (event.type, event.user_id, event.item_id) == ("upload", "u5", "i1")


async def test_an_upload_handled_again_gives_the_same_messages(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    first = list(studio.publisher.messages)
    await studio.handle([record(0, upload("i1"))])
    assert studio.publisher.messages == first + first


async def test_the_interaction_follows_the_item(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1")), record(1, upload("i2"))])
    topics = [message.topic for message in studio.publisher.messages]
    assert topics == ["state.signals"] * 2 + ["events.interactions"] * 2


async def test_an_event_id_of_128_characters_has_an_interaction_whose_id_is_short_enough(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", event_id="é" * 128))])
    (message,) = studio.publisher.to("events.interactions")
    assert len(msgspec.json.decode(message.value or b"", type=Interaction).event_id) <= 128


# A query


async def test_a_query_is_answered_with_what_looks_like_it_and_stores_nothing(studio: Studio) -> None:
    reds = [shirt((205 - 40 * n, 30, 40)) for n in range(3)]
    await studio.handle([record(n, upload(f"red{n}", picture)) for n, picture in enumerate(reds)])
    await studio.handle([record(9, upload("blue", shirt(BLUE)))])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    studio.publisher.messages.clear()
    await studio.handle([query(reds[1])])
    (answer,) = studio.publisher.lists()
    assert answer.items[0].item_id == "red1"
    assert answer.items[-1].item_id == "blue"
    assert answer.items[0].reasons[0].code == "looks_like"
    assert [message.topic for message in studio.publisher.messages] == ["recommendations"]


async def test_a_query_is_answered_with_what_it_is_limited_to(studio: Studio) -> None:
    facts: list[dict[str, object]] = [
        {"category": "hats"},
        {"category": "shoes", "price": 80},
        {"category": "shoes", "price": 20},
    ]
    await studio.handle([record(n, upload(f"i{n}", shirt()) | each) for n, each in enumerate(facts)])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    await studio.handle([query(shirt(), only={"category": "shoes", "max_price": 50})])
    assert [item.item_id for item in studio.publisher.lists()[0].items] == ["i2"]


async def test_a_query_says_when_the_index_is_away(studio: Studio) -> None:
    studio.is_index_away = True
    await studio.handle([record(0, upload("i1"))])
    studio.catalog.apply([("i1", studio.items()[0])])
    await studio.handle([query(shirt())])
    (answer,) = studio.publisher.lists()
    assert (answer.items, answer.degraded) == ([], ["index"])


async def test_an_answer_is_the_users_and_names_its_query(studio: Studio) -> None:
    await studio.handle([query(shirt())])
    (answer,) = studio.publisher.lists()
    assert (answer.user_id, answer.kind, answer.seq, answer.trigger.type) == ("u7", "similar", 9, "query")
    assert studio.publisher.messages[0].key == b"u7"


async def test_a_query_on_an_empty_catalogue_is_answered_with_an_empty_list(studio: Studio) -> None:
    await studio.handle([query(shirt())])
    assert studio.publisher.lists()[0].items == []


async def test_vectors_of_another_encoder_are_not_compared_with(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    studio.catalog.apply([("i1", replace(studio.items()[0], encoder="old@1"))])
    await studio.handle([query(shirt())])
    assert studio.publisher.lists()[0].items == []


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

    async def read(self, key: str) -> bytes:
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

    async def read(self, address: str) -> bytes:
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


async def test_a_clip_is_refused_and_says_what_to_send(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", video_ref="clips/i1.mp4"))])
    (letter,) = studio.publisher.dead_letters()
    assert (letter.reason, "send a picture" in letter.error) == ("video_unsupported", True)


async def test_a_picture_with_the_sum_it_was_sent_with_is_taken(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", shirt(), sha256=hashlib.sha256(shirt()).hexdigest()))])
    assert len(studio.items()) == 1


async def test_a_picture_with_another_sum_is_refused(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", shirt(), sha256="0" * 64))])
    assert studio.reasons() == ["checksum_mismatch"]


# Bad input: each goes to the dead letters whole, and the other uploads of the batch are handled


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


BAD_EVENTS = {
    "bad JSON": (b"{", b"i1", "bad_json"),
    "null value": (None, b"i1", "no_value"),
    "null key": (upload("i1"), None, "no_key"),
    "another item's key": (upload("i1"), b"i2", "key_mismatch"),
    "no picture": (upload("i1", image_ref=None), b"i1", "invalid_event"),
    "picture not base64": (upload("i1") | {"image": "§"}, b"i1", "invalid_event"),
    "empty item_id": (upload(""), None, "invalid_event"),
    "an item_id of 1 MB": (upload("i1") | {"item_id": "i" * 1_000_000}, b"i1", "invalid_event"),
    "over 1.5 MiB": (upload("i1", description="x" * 1_600_000), b"i1", "too_large"),
}


@pytest.mark.parametrize(("value", "key", "reason"), BAD_EVENTS.values(), ids=BAD_EVENTS.keys())
async def test_a_bad_event_is_kept_whole_and_the_next_upload_is_handled(
    studio: Studio, value: object, key: bytes | None, reason: str
) -> None:
    bad = record(0, value, key=key)
    await studio.handle([bad, record(1, upload("i2"))])
    (letter,) = studio.publisher.dead_letters()
    assert (letter.reason, letter.topic, letter.key, letter.value) == (reason, "events.uploads", key, bad.value)
    assert letter.headers == [("tenant", b"a")]
    assert [item.item_id for item in studio.items()] == ["i2"]


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


async def test_sixteen_at_once_each_become_what_they_would_alone(studio: Studio) -> None:
    events = [upload(f"i{n}", b"junk" if n % 4 == 3 else shirt((10 * n, 50, 90)), user_id=f"u{n}") for n in range(16)]
    await studio.handle([record(n, event) for n, event in enumerate(events)])
    alone = Studio()
    for n, event in enumerate(events):
        await alone.handle([record(n, event)])
    for topic in ("state.signals", "events.interactions", "dead-letters"):
        assert studio.publisher.to(topic) == alone.publisher.to(topic)
    assert len(studio.items()) == 12
    assert studio.reasons() == ["bad_image"] * 4


class Heap(Objects):
    """Has the same picture under every key, and counts who read at once."""

    def __init__(self) -> None:
        super().__init__(None)
        self.reading = self.most = 0
        self._picture = shirt()

    async def read(self, key: str) -> bytes:
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


async def test_when_most_uploads_are_refused_the_agent_stands_still_and_they_stay_in_their_topic() -> None:
    studio = Studio()
    junk = [Record("events.uploads", 0, n, NOON, b"i1", b"{") for n in range(20)]
    standing = asyncio.create_task(studio.handle(junk))
    await until(lambda: studio.breaker.reason is not None)
    assert (standing.done(), studio.publisher.messages) == (False, [])
    standing.cancel()
