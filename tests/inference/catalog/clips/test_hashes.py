"""Copies of clips, by the hashes of their key frames."""

import asyncio
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from features.item import Item
from features.vision.clips.clip import MOST_FRAMES
from features.vision.clips.decode import decode_clip
from features.vision.gate.clip_hashes import MARK, asked_of_clip, kept_of_clip
from features.vision.gate.judge import judge
from features.vision.gate.picture_hash import HASH_BYTES, KEPT_BYTES, asked_of, kept_of
from features.vision.gate.views import reduced
from inference.catalog.catalog import Catalog
from inference.catalog.clips.hashes import ClipHashes, copied_clips
from inference.catalog.copied_pictures import among_copies, readable_hashes
from inference.catalog.copies import have_same_hashes
from tests.harness.clips import clip


def cloth(seed: int) -> Image.Image:
    """A picture with detail of every size, of a tint of its own."""
    chance = np.random.default_rng(seed)
    parts = [Image.fromarray(chance.integers(0, 255, (side, side), np.uint8)).resize((320, 240)) for side in (4, 20)]
    level = np.mean([np.asarray(part, np.float32) for part in parts], axis=0)
    tint = np.array([[1, 0.7, 0.4], [0.4, 1, 0.7], [0.7, 0.4, 1]])[seed % 3]
    return Image.fromarray((level[..., None] * tint).astype(np.uint8))


def hashed(*scenes: Image.Image) -> bytes:
    return b"".join(judge(reduced(each), each.size).hashes for each in scenes)


def filmed(*scenes: Image.Image) -> bytes:
    """The hashes of the clip with these scenes."""
    return decode_clip(clip([np.asarray(each) for each in scenes])).judged.hashes


def known(*clips: bytes) -> ClipHashes:
    """Clips with these hashes, by their numbers."""
    found = ClipHashes()
    for number, hashes in enumerate(clips):
        found.put(number, kept_of_clip(hashes))
    return found


def copied(hashes: bytes, among: ClipHashes) -> list[int]:
    found: list[int] = copied_clips(asked_of_clip(hashes), among.all()).tolist()
    return found


A, B, C, D, TITLE = map(cloth, range(1, 6))
BLACK = Image.new("RGB", A.size)


def test_a_clip_that_was_coded_again_made_smaller_or_mirrored_is_a_copy() -> None:
    clips = known(filmed(C, D, TITLE), filmed(A, B, C))
    small = [each.resize((160, 120)) for each in (A, B, C)]

    assert copied(filmed(A, B, C), clips) == [1]
    assert copied(filmed(*small), clips) == [1]
    assert copied(filmed(*map(ImageOps.mirror, (A, B, C))), clips) == [1]


def test_half_of_the_frames_of_both_have_to_be_copies_and_more_of_one() -> None:
    clips = known(hashed(A, B, C))

    assert copied(hashed(A, B), clips) == [0]
    assert copied(hashed(A, B, C, D), clips) == [0]
    assert copied(hashed(A), clips) == []
    assert copied(hashed(A, B, TITLE, D), clips) == [0]
    assert copied(hashed(A, B, TITLE, D, cloth(7)), clips) == []
    assert copied(hashed(A, B, TITLE, D), known(hashed(A, B, C, cloth(7)))) == []
    assert copied(hashed(A, B, C), known(hashed(A, TITLE, cloth(7), D))) == []


def test_half_of_both_are_enough_where_that_is_many_frames() -> None:
    scenes = [hashed(cloth(seed)) for seed in range(10, 34)]
    known_clip = b"".join(scenes[:16])

    assert copied(b"".join(scenes[8:]), known(known_clip)) == [0]
    assert copied(b"".join(scenes[9:]), known(known_clip)) == []
    assert copied(b"".join(scenes[9:23]), known(known_clip[: 14 * HASH_BYTES])) == []


def test_clips_that_begin_with_the_same_title_are_no_copies() -> None:
    clips = known(hashed(TITLE, A), hashed(TITLE, B, C))

    assert copied(hashed(TITLE, D), clips) == []
    assert copied(hashed(TITLE, D, cloth(7)), clips) == []


def test_clips_that_begin_and_end_with_the_same_title_are_no_copies() -> None:
    assert copied(filmed(TITLE, A, TITLE), known(filmed(TITLE, B, TITLE))) == []
    assert copied(hashed(TITLE, A, TITLE, C, TITLE), known(hashed(TITLE, B, TITLE, D, TITLE))) == []
    assert copied(filmed(TITLE, A, TITLE), known(filmed(TITLE, A, TITLE), filmed(TITLE, A))) == [0, 1]


def test_what_differs_in_colour_alone_counts_for_itself() -> None:
    red, blue = (
        Image.merge("RGB", [A.convert("L").point(lambda v, f=f: v * f) for f in tint])
        for tint in ((1, 0.3, 0.2), (0.2, 0.3, 1))
    )
    assert len(asked_of_clip(hashed(red, blue, red))) == 2


def test_the_likeliest_comes_first() -> None:
    clips = known(hashed(A, B, C, D), hashed(A, B, C))

    assert copied(hashed(A, B, C), clips) == [1, 0]


def test_a_still_is_no_copy_of_a_clip_of_one_frame_and_the_clip_none_of_the_still() -> None:
    kept_clip, kept_still = kept_of_clip(hashed(A)), kept_of(hashed(A))
    clips = known(hashed(A))
    clips.put(1, kept_still)

    assert kept_clip == MARK + (kept_still or b"")
    assert copied(hashed(A), clips) == [0]
    column = np.stack([readable_hashes(kept_clip), readable_hashes(kept_still)])
    assert among_copies(asked_of(hashed(A)), column).tolist() == [1]
    assert not have_same_hashes(column, 0, 1)


def test_frames_on_which_nothing_is_to_be_seen_count_for_nothing() -> None:
    assert kept_of_clip(hashed(BLACK)) is None
    assert asked_of_clip(hashed(BLACK, BLACK)) == []
    assert copied(hashed(BLACK), known(hashed(BLACK), hashed(A))) == []
    assert copied(hashed(A, BLACK), known(hashed(A))) == [0]
    assert copied(hashed(A), ClipHashes()) == []


def test_half_a_frame_of_an_answer_that_nobody_should_give_is_none() -> None:
    for cut in (b"", hashed(A)[:-1], b"\1"):
        assert kept_of_clip(hashed(B) + cut) == kept_of_clip(hashed(B))
        assert len(asked_of_clip(cut)) == 0


def test_a_row_may_show_another_clip_a_picture_or_nothing_later() -> None:
    clips = known(hashed(A), hashed(B))
    clips.put(0, kept_of_clip(hashed(C, D)))
    clips.put(1, kept_of(hashed(B)))

    assert (copied(hashed(A), clips), copied(hashed(B), clips), copied(hashed(C, D), clips)) == ([], [], [0])
    clips.put(0, None)
    assert (len(clips.stored().rows), clips.kept(0), copied(hashed(C, D), clips)) == (0, None, [])


def test_what_is_looked_through_is_not_made_again_for_each_clip() -> None:
    clips, kept = ClipHashes(), [MARK + np.random.default_rng(row).bytes(5 * KEPT_BYTES) for row in range(2_000)]
    for row, each in enumerate(kept):
        clips.put(row, each)
    held = sum(map(len, kept))
    tracemalloc.start()
    for row in range(100):
        clips.put(row, kept[row + 1])
        clips.all()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < held / 20
    assert clips.kept(99) == kept[100]


def test_frames_keep_their_order_where_rows_take_places_that_others_left() -> None:
    clips, again = known(hashed(A, B, C), hashed(TITLE), hashed(D)), ClipHashes()
    for row in (0, 2):
        clips.put(row, None)
    clips.put(3, kept_of_clip(hashed(C, A)))
    clips.put(4, kept_of_clip(hashed(D, C, B, A)))
    again.fill(clips.stored())

    for each in (clips, again):
        assert each.kept(3) == kept_of_clip(hashed(C, A))
        assert each.kept(4) == kept_of_clip(hashed(D, C, B, A))
        assert copied(hashed(A, C), each) == [3, 4]
        assert copied_clips(asked_of_clip(hashed(A, C)), each.of(np.array([4, 1]))).tolist() == [4]


async def test_a_clip_is_looked_for_while_rows_change() -> None:
    clips, asked, other = known(*[hashed(A, B)] * 500), asked_of_clip(hashed(A, B)), kept_of_clip(hashed(C))
    search = asyncio.create_task(asyncio.to_thread(copied_clips, asked, clips.all()))
    for row in range(5_000):
        clips.put(row % 400, other if row % 3 else None)
        if row % 100 == 0:
            await asyncio.sleep(0)
    found = await search
    assert set(range(400, 500)) <= set(found.tolist()) <= set(range(500))
    assert copied_clips(asked, clips.of(found)).tolist() == list(range(400, 500))


#: As items have them: a mark, and 80 bytes a frame.
CLIPS = {f"{count} frames": MARK + b"\1" * count * KEPT_BYTES for count in (1, 2, MOST_FRAMES)}
NO_CLIPS = {
    "nothing": None,
    "empty": b"",
    "a mark": MARK,
    "half a frame": MARK + b"\1" * 79,
    "too many": MARK + b"\1" * (MOST_FRAMES + 1) * KEPT_BYTES,
    "another mark": b"d" * 81,
    "a picture that begins so": MARK + b"\1" * (KEPT_BYTES - 1),
}


@pytest.mark.parametrize("kept", [*CLIPS.values(), *NO_CLIPS.values()], ids=[*CLIPS, *NO_CLIPS])
def test_one_rule_says_which_bytes_are_those_of_a_clip(kept: bytes | None) -> None:
    clips, is_clip = ClipHashes(), kept in CLIPS.values()
    clips.put(0, kept)
    is_picture = kept is not None and len(kept) == KEPT_BYTES

    assert clips.kept(0) == (kept if is_clip else None)
    assert bool(readable_hashes(kept).any()) == (is_clip or is_picture)
    assert (readable_hashes(kept).tobytes() == kept) == is_picture


def test_what_is_kept_comes_back() -> None:
    clips, again = known(hashed(A, B), hashed(C)), ClipHashes()
    again.fill(clips.stored())

    assert [again.kept(row) for row in range(3)] == [clips.kept(row) for row in range(3)]
    assert again.kept(1) == kept_of_clip(hashed(C))
    nothing = ClipHashes()
    nothing.fill(ClipHashes().stored())
    assert len(nothing.all().rows) == 0


def hashes_of(catalog: Catalog, *names: str) -> NDArray[np.uint64]:
    rows = [catalog.row_of(name) for name in names]
    found: NDArray[np.uint64] = catalog.hashes[np.array(rows)]
    return found


def test_in_a_catalogue_copies_have_equal_hashes_and_a_deleted_clip_has_none() -> None:
    catalog, kept = Catalog(4), kept_of_clip(hashed(A, B))
    catalog.apply([(name, Item(name, 1, hashes=kept)) for name in ("a", "b")])
    catalog.apply([("c", Item("c", 1, hashes=kept_of_clip(hashed(C))))])
    column = hashes_of(catalog, "a", "b", "c")

    assert (have_same_hashes(column, 0, 1), have_same_hashes(column, 0, 2)) == (True, False)
    row = catalog.row_of("a")
    assert row is not None
    assert catalog.kept_hashes(row) == kept
    catalog.apply([("a", None), ("b", Item("b", 2))])
    assert copied(hashed(A, B), catalog.clip_hashes) == []
    assert len(hashed(A)) == HASH_BYTES
