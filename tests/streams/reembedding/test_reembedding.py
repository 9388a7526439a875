"""All items get a vector of another encoder from their kept pictures, beside the one that they have."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from features.item import Change, Item, apply_change, apply_embedding
from features.vision.clips.clip import MOST_FRAMES, Clip
from features.vision.decode import Picture, Wanted, decode
from features.vision.kept import strip
from features.vision.kept_picture import KeptPicture
from inference.catalog.catalog import Catalog
from state.codec import decode_item, encode_item
from streams.catalog.contents import read_items
from streams.items.reducer import ItemEffects
from streams.pictures.store import PictureStore
from streams.reembedding.pace import Pace
from streams.reembedding.reembedding import Pictured, Reembedding, dropping, wanting
from streams.wire.namespace import Namespace
from streams.wire.signals import Reembedded, SignalTopic, parse_signal
from tests.harness.encoder import FakeEncoder
from tests.harness.fakes import FakePublisher, MemoryLog

OLD, NEW = "fake@1", "fake@2"
VECTOR = np.eye(256, dtype="<f2")[0].tobytes()


def sha(number: int) -> str:
    return f"{number:02x}" * 32


def kept(number: int) -> KeptPicture:
    name = f"pictures/{number:02x}/{sha(number)}"
    return KeptPicture(f"{name}.webp", f"{name}.320.webp", 40, 40, 100)


def item(number: int, **facts: object) -> Item:
    known: dict[str, object] = {"embeddings": {OLD: VECTOR}, "kept_picture": kept(number), "owner": "shop"}
    return Item(f"i{number}", 5, uploaded_at_ms=5, **{**known, **facts})  # type: ignore[arg-type]  # literal values


def pictured(*items: Item) -> list[Pictured]:
    return [found for item in items if (found := Pictured.of(item)) is not None]


class Studio:
    """A store with pictures, and what embeds them by the new encoder."""

    def __init__(self, folder: Path) -> None:
        self.store = PictureStore(folder.as_uri(), Namespace())
        self.encoder = FakeEncoder(NEW)
        self.publisher = FakePublisher()
        self.advanced = self.decoded = 0
        self.work = Reembedding(
            self.encoder,
            self._decode,
            self.store,
            SignalTopic(Namespace(), 4),
            self.publisher.publish,
            at_once=2,
            pace=Pace(0),
            advance=self._advance,
        )

    async def keep(self, number: int, data: bytes | None = None) -> None:
        out = BytesIO()
        Image.new("RGB", (40, 40), (number, 0, 200)).save(out, "WEBP")
        await self.store.write(kept(number).key, out.getvalue() if data is None else data)

    def signals(self) -> list[Reembedded]:
        found = [parse_signal(message.value) for message in self.publisher.messages]
        return [each for each in found if isinstance(each, Reembedded)]

    async def _decode(self, data: bytes, wanted: Wanted) -> Picture:
        self.decoded += 1
        return decode(data, wanted)

    def _advance(self) -> None:
        self.advanced += 1


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


async def test_each_item_gets_the_vector_of_its_kept_picture(studio: Studio) -> None:
    items = [item(number) for number in range(70)]
    for number in range(70):
        await studio.keep(number)
    outcome = await studio.work.run(pictured(*items))
    assert (outcome.embedded, outcome.failed, studio.advanced) == (70, {}, 70)
    by_item = {each.item_id: each for each in studio.signals()}
    assert sorted(by_item) == sorted(each.item_id for each in items)
    first = by_item["i0"]
    after = apply_embedding(items[0], first.sha256, first.encoder, first.embedding)
    assert after is not None
    assert [*after.embeddings] == [OLD, NEW]


async def test_a_picture_that_cannot_be_used_is_named_and_the_others_go_on(studio: Studio) -> None:
    await studio.keep(1)
    await studio.keep(2, b"no picture")
    outcome = await studio.work.run(pictured(item(1), item(2), item(3)))
    assert (outcome.embedded, sorted(outcome.failed)) == (1, ["i2", "i3"])
    assert "has no picture" in outcome.failed["i3"]


def test_another_run_goes_on_with_what_is_left() -> None:
    done, left, without = item(1, embeddings={OLD: VECTOR, NEW: VECTOR}), item(2), item(3, kept_picture=None)
    found = wanting(pictured(done, left, without, Item("words", 5, title="no picture")), NEW)
    assert (found.with_picture, found.without_picture) == (pictured(left), ["i3"])


def test_of_each_item_the_last_record_counts() -> None:
    log = MemoryLog()
    for number, value in ((1, item(1)), (2, item(2)), (1, replace(item(1), title="new")), (2, None)):
        log.append("state.catalog", number % 2, f"i{number}".encode(), None if value is None else encode_item(value))
    assert read_items(log, Namespace(), 2, lambda each: each.title) == {"i1": "new"}


@pytest.mark.parametrize(
    "now",
    [
        None,
        item(1, kept_picture=kept(9)),
        item(1, kept_picture=None),
        apply_change(item(1), "i1", Change(9, deleted=True)),
    ],
    ids=["gone", "another picture", "no longer kept", "deleted"],
)
def test_a_vector_of_a_picture_that_the_item_no_longer_has_changes_nothing(now: Item | None) -> None:
    effects = ItemEffects(stored_items={} if now is None else {"i1": now})
    effects.add_vector(Reembedded("i1", sha(1), NEW, VECTOR))
    assert effects.items == {}


def test_a_signal_that_comes_twice_changes_the_item_once() -> None:
    effects = ItemEffects(stored_items={"i1": item(1)})
    effects.add_vector(Reembedded("i1", sha(1), NEW, VECTOR))
    once = effects.items["i1"]
    effects.add_vector(Reembedded("i1", sha(1), NEW, VECTOR))
    assert effects.items["i1"] is once
    assert decode_item(encode_item(once)) == once


def test_the_old_vector_is_taken_away_and_the_only_one_is_not() -> None:
    both, one, neither = item(1, embeddings={OLD: VECTOR, NEW: VECTOR}), item(2), item(3, embeddings={NEW: VECTOR})
    signals, keeping = dropping(pictured(both, one, neither), OLD)
    assert (signals, keeping) == ([Reembedded("i1", sha(1), OLD, None)], 1)
    after = apply_embedding(both, sha(1), OLD, None)
    assert after is not None
    assert [*after.embeddings] == [NEW]
    assert apply_embedding(one, sha(2), OLD, None) is one


def test_while_items_have_both_vectors_a_catalogue_compares_those_that_it_is_told_to() -> None:
    both = item(1, embeddings={OLD: VECTOR, NEW: np.eye(256, dtype="<f2")[1].tobytes()})
    old, new = Catalog(256), Catalog(256, encoder=NEW)
    for catalog in (old, new):
        catalog.apply([("i1", both)])
    assert (old.pictures.encoder, int(old.pictures.vectors(np.array([0]))[0].argmax())) == (OLD, 0)
    assert int(new.pictures.vectors(np.array([0]))[0].argmax()) == 1
    assert new.counts().other_encoder == 0


@pytest.mark.parametrize("embedding", [b"", b"odd", np.array([np.nan], "<f2").tobytes()])
def test_a_vector_that_is_none_is_no_signal(embedding: bytes) -> None:
    with pytest.raises(Exception, match="out of range"):
        parse_signal(SignalTopic(Namespace(), 4).message(Reembedded("i1", sha(1), NEW, embedding)).value)


# Clips

FRAMES = np.stack([np.full((224, 224, 3), level, np.uint8) for level in (20, 120, 220)])
CLIP = Clip(4_000, OLD, 3 * VECTOR)


async def test_a_clip_gets_the_vectors_of_its_key_frames_and_their_mean(studio: Studio) -> None:
    await studio.keep(1)
    await studio.store.write(kept(1).frames, strip(FRAMES))
    outcome = await studio.work.run(pictured(item(1, clip=CLIP)))
    (signal,) = studio.signals()
    vectors = np.frombuffer(signal.frames or b"", "<f2").reshape(-1, 256)
    expected = [each.embedding for each in await studio.encoder.encode_all(FRAMES)]
    assert (len(vectors), outcome.embedded, outcome.by_one_frame) == (3, 1, [])
    assert (np.sum(vectors * expected, axis=1) > 0.99).all()
    after = apply_embedding(item(1, clip=CLIP), signal.sha256, NEW, signal.embedding, signal.frames)
    assert after is not None
    assert after.clip is not None
    assert len(after.clip.vectors(256, NEW)) == len(after.clip.vectors(256, OLD)) == 3


async def test_a_clip_whose_frames_are_not_kept_has_the_vector_of_its_kept_frame_and_is_named(studio: Studio) -> None:
    await studio.keep(1)
    outcome = await studio.work.run(pictured(item(1, clip=CLIP)))
    assert (outcome.embedded, outcome.by_one_frame, studio.signals()[0].frames) == (1, ["i1"], None)


def saved(width: int, height: int, format_: str = "WEBP") -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), (9, 200, 30)).save(out, format_)
    return out.getvalue()


BROKEN = {
    "cut short": strip(FRAMES)[:-20],
    "another format": saved(224, 448, "JPEG"),
    "no picture": b"no picture",
    "empty": b"",
    "no frame": saved(224, 100),
    "17 frames": saved(224, 17 * 224),
    "20 frames": saved(224, 20 * 224),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
async def test_a_clip_whose_kept_frames_are_broken_has_the_vector_of_its_kept_frame_and_is_named(
    studio: Studio, data: bytes
) -> None:
    for number in (1, 2):
        await studio.keep(number)
    await studio.store.write(kept(1).frames, data)
    await studio.store.write(kept(2).frames, strip(FRAMES))
    outcome = await studio.work.run(pictured(item(1, clip=CLIP), item(2, clip=CLIP)))
    assert (outcome.embedded, outcome.failed, outcome.by_one_frame) == (2, {}, ["i1"])
    assert list(outcome.broken_frames) == ["i1"]
    assert [each.frames is None for each in sorted(studio.signals(), key=lambda each: each.item_id)] == [True, False]


async def test_a_clip_of_which_nothing_can_be_read_is_named_and_the_others_go_on(studio: Studio) -> None:
    await studio.keep(1, b"no picture")
    await studio.store.write(kept(1).frames, b"")
    await studio.keep(2)
    outcome = await studio.work.run(pictured(item(1, clip=CLIP), item(2)))
    assert (outcome.embedded, list(outcome.failed), list(outcome.broken_frames)) == (1, ["i1"], ["i1"])


async def test_a_strip_of_most_frames_is_decoded_once_and_its_frames_are_compared(studio: Studio) -> None:
    await studio.store.write(kept(1).frames, strip(np.repeat(FRAMES, 6, axis=0)[:MOST_FRAMES]))
    await studio.work.run(pictured(item(1, clip=CLIP)))
    (signal,) = studio.signals()
    assert studio.decoded == 1
    assert len(CLIP.with_frames(NEW, signal.frames or b"").vectors(256, NEW)) == MOST_FRAMES


def test_a_clip_loses_the_frames_of_the_encoder_whose_vector_is_taken_away() -> None:
    both = item(1, embeddings={OLD: VECTOR, NEW: VECTOR}, clip=CLIP.with_frames(NEW, 2 * VECTOR))
    without_old = apply_embedding(both, sha(1), OLD, None)
    assert without_old is not None
    assert without_old.clip == Clip(4_000, NEW, 2 * VECTOR)
    without_new = apply_embedding(both, sha(1), NEW, None)
    assert without_new is not None
    assert without_new.clip == CLIP


def test_a_clip_keeps_its_only_frames() -> None:
    left = apply_embedding(item(1, embeddings={OLD: VECTOR, NEW: VECTOR}, clip=CLIP), sha(1), OLD, None)
    assert left is not None
    assert left.clip == CLIP


def test_a_catalogue_compares_the_frames_of_the_encoder_that_it_is_told_to() -> None:
    both = item(1, embeddings={OLD: VECTOR, NEW: VECTOR}, clip=CLIP.with_frames(NEW, 2 * VECTOR))
    assert decode_item(encode_item(both)) == both
    for encoder, frames in ((OLD, 3), (NEW, 2)):
        catalog = Catalog(256, encoder=encoder)
        catalog.apply([("i1", both)])
        assert len(catalog.clips.stored()[0]) == frames
