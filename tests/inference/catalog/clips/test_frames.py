"""Clips in the catalogue: one vector stands for all of one, and a search looks at its frames, too."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from features.item import Item
from features.search_filter import SearchFilter
from features.vision.clips.clip import Clip
from inference.catalog.catalog import Catalog
from inference.catalog.clips.frames import ClipFrames
from inference.catalog.search import find_similar
from inference.catalog.snapshot import Origin, find_snapshot, load_snapshot, write_snapshot

WIDTH = 8
ALL = SearchFilter()


def axis(number: int) -> NDArray[np.float32]:
    vector = np.zeros(WIDTH, np.float32)
    vector[number] = 1
    return vector


def clip(name: str, *axes: int, encoder: str = "e@1") -> Item:
    """A clip whose frames lie along these axes."""
    frames = np.stack([axis(each) for each in axes])
    whole = frames.mean(axis=0)
    whole /= np.linalg.norm(whole)
    kept = Clip(1000, encoder, frames.astype("<f2").tobytes())
    return Item(name, 1, uploaded_at_ms=1, embeddings={"e@1": whole.astype("<f2").tobytes()}, clip=kept)


def picture(name: str, vector: NDArray[np.float32]) -> Item:
    unit = vector / np.linalg.norm(vector)
    return Item(name, 1, uploaded_at_ms=1, embeddings={"e@1": unit.astype("<f2").tobytes()})


def shop(*items: Item) -> Catalog:
    catalog = Catalog(WIDTH, encoder="e@1")
    catalog.apply([(item.item_id, item) for item in items])
    return catalog


async def found(catalog: Catalog, query: NDArray[np.float32], limits: SearchFilter = ALL) -> list[str]:
    return [catalog.item_ids[row] for row in (await find_similar(catalog, query, 2, limits)).tolist()]


@pytest.mark.parametrize("limits", [ALL, SearchFilter(max_price=9)], ids=["all", "limits"])
async def test_a_still_finds_its_clip_before_what_is_nearer_to_the_whole(limits: SearchFilter) -> None:
    # The clip as a whole has a cosine of 0.5 to its fourth frame, the other picture 0.8.
    near = picture("near", 0.8 * axis(3) + 0.6 * axis(7))
    items = [clip("c", 0, 1, 2, 3), near, *[picture(f"p{n}", axis(4) + n * axis(5)) for n in range(20)]]
    catalog = shop(*items)
    catalog.prices[: len(items)] = 5
    assert await found(catalog, axis(3), limits) == ["c", "near"]


async def test_a_clip_finds_the_stills_of_each_of_its_frames() -> None:
    catalog = shop(picture("one", axis(1)), picture("two", axis(2)), picture("no", axis(6)))
    assert set(await found(catalog, np.stack([axis(1), axis(2)]))) == {"one", "two"}


async def test_a_clip_that_is_replaced_or_deleted_is_not_found_by_its_old_frames() -> None:
    catalog = shop(clip("c", 0, 1, 2, 3), picture("p", axis(3) + axis(7)))
    catalog.apply([("c", picture("c", axis(0)))])
    assert await found(catalog, axis(3)) == ["p", "c"]
    assert len(catalog.clips) == 0
    catalog.apply([("c", clip("c", 3, 4))])
    assert await found(catalog, axis(3)) == ["c", "p"]
    catalog.apply([("c", None)])
    assert await found(catalog, axis(3)) == ["p"]


def test_frames_of_another_encoder_or_length_are_never_compared() -> None:
    other = clip("other", 1, 2, encoder="e@2")
    odd = Item("odd", 1, uploaded_at_ms=1, embeddings=other.embeddings, clip=Clip(1, "e@1", b"odd"))
    long = Item("long", 1, uploaded_at_ms=1, embeddings=other.embeddings, clip=Clip(1, "e@1", bytes(17 * 2 * WIDTH)))
    assert len(shop(other, odd, long).clips) == 0


async def test_a_snapshot_has_the_frames(tmp_path: Path) -> None:
    write_snapshot(tmp_path, shop(picture("p", axis(3) + axis(7)), clip("c", 0, 1, 2, 3)), Origin("t", {0: 2}, 1))
    again, snapshot = Catalog(WIDTH, encoder="e@1"), find_snapshot(tmp_path)
    assert snapshot is not None
    load_snapshot(snapshot, again)
    assert await found(again, axis(3)) == ["c", "p"]
    again.apply([("c", None)])
    assert await found(again, axis(3)) == ["p"]


def test_places_are_used_again() -> None:
    frames = ClipFrames(WIDTH)
    for _ in range(50):
        frames.put(5, np.stack([axis(1), axis(2)]))
        frames.put(6, axis(3)[None])
    assert len(frames.stored()[0]) == 3
    assert frames.likeness(np.array([5, 6, 9]), axis(3)[None]).tolist() == [0, 1, -1]


def test_many_clips_keep_their_frames_also_when_they_are_stored_and_read() -> None:
    frames = ClipFrames(WIDTH)
    for row in range(200):
        frames.put(row, np.stack([axis(row % WIDTH), axis((row + 1) % WIDTH)]))
    frames.put(3, np.zeros((0, WIDTH), np.float32))
    again = ClipFrames(WIDTH)
    again.fill(*frames.stored())
    for each in (frames, again):
        assert len(each) == 199
        assert each.likeness(np.array([3, 4, 199]), axis(4)[None]).tolist() == pytest.approx([-1, 1, 0], abs=1e-3)
    again.put(3, axis(0)[None])
    assert again.likeness(np.array([3, 2]), axis(0)[None]).tolist() == pytest.approx([1, 0], abs=1e-3)


def test_no_clips_are_stored_and_read_as_none() -> None:
    empty, again = ClipFrames(WIDTH), ClipFrames(WIDTH)
    again.fill(*empty.stored())
    assert len(again) == 0
