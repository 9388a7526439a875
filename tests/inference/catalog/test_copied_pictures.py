"""Which changed pictures are found among those that items keep."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from features.vision.decode import decode
from features.vision.gate.judge import Judged
from features.vision.gate.picture_hash import asked_of, kept_of
from inference.catalog.copied_pictures import KEPT_WORDS, among_copies, nearest_copy, readable_hashes


def photo(seed: int) -> Image.Image:
    """A picture with detail of every size, of one tint."""
    chance = np.random.default_rng(seed)
    grey = sum(
        np.asarray(
            Image.fromarray(chance.integers(0, 255, (side, side), np.uint8)).resize(
                (400, 400), Image.Resampling.BICUBIC
            ),
            np.float32,
        )
        for side in (4, 9, 20)
    )
    level = np.asarray(grey) / 3
    return Image.fromarray(np.stack([level, level * 0.7, level * 0.4], axis=2).astype(np.uint8))


def judged(image: Image.Image, quality: int = 85) -> Judged:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return decode(buffer.getvalue()).judged


KEPT = np.stack([readable_hashes(kept_of(judged(photo(seed)).hashes)) for seed in range(4)])


def found(image: Image.Image, quality: int = 85, without: int = -1) -> int | None:
    rows = np.flatnonzero(np.arange(len(KEPT)) != without)
    asked = asked_of(judged(image, quality).hashes)
    assert set(among_copies(asked, KEPT)) <= set(range(len(KEPT)))
    return nearest_copy(asked, KEPT, rows)


def test_a_picture_is_found_and_another_is_not() -> None:
    assert [found(photo(seed)) for seed in range(5)] == [0, 1, 2, 3, None]


@pytest.mark.parametrize("share", [0.02, 0.04, 0.07, 0.1])
def test_a_part_of_a_picture_is_found_and_a_picture_of_which_a_part_is_known(share: float) -> None:
    edge = round(400 * share)
    part = photo(1).crop((edge, edge, 400 - edge, 400 - edge))
    assert found(part) == 1
    known = readable_hashes(kept_of(judged(part).hashes))[None]
    assert nearest_copy(asked_of(judged(photo(1)).hashes), known, np.zeros(1, np.int64)) == 0


def test_a_picture_is_found_mirrored_bordered_grey_darker_smaller_and_saved_badly() -> None:
    original = photo(2)
    assert found(ImageOps.mirror(original)) == 2
    assert found(ImageOps.expand(original, 24, "white")) == 2
    assert found(original.convert("L")) == 2
    assert found(original.point(lambda level: level * 0.7)) == 2
    assert found(original.resize((180, 180)), quality=30) == 2


def test_the_same_outlines_in_another_colour_are_another_picture() -> None:
    assert found(Image.merge("RGB", photo(2).split()[::-1])) is None


def test_a_grey_picture_is_found_at_another_exposure_unless_it_is_much_darker_or_the_known_one_has_colours() -> None:
    grey = photo(2).convert("L")
    known = readable_hashes(kept_of(judged(grey.convert("RGB")).hashes))[None]

    def is_found(image: Image.Image) -> bool:
        return nearest_copy(asked_of(judged(image.convert("RGB")).hashes), known, np.zeros(1, np.int64)) == 0

    assert is_found(grey.point(lambda level: level * 0.7))
    assert is_found(grey.point(lambda level: level * 1.2))
    assert not is_found(grey.point(lambda level: level * 0.4))
    assert found(grey.point(lambda level: level * 0.7)) is None


def test_a_grey_thing_on_white_is_no_copy_of_a_darker_one_with_its_outlines() -> None:
    ground = Image.new("L", (400, 400), 255)
    ground.paste(photo(2).convert("L").resize((300, 300)), (50, 50))
    other = ground.point(lambda level: level if level > 250 else level * 0.6)
    asked, known = (judged(each.convert("RGB")).hashes for each in (other, ground))
    assert nearest_copy(asked_of(asked), readable_hashes(kept_of(known))[None], np.zeros(1, np.int64)) is None


def test_the_item_itself_is_passed_over() -> None:
    assert found(photo(3), without=3) is None


def test_what_has_no_hashes_or_those_of_another_version_is_never_found() -> None:
    assert not readable_hashes(None).any()
    assert not readable_hashes(b"\1" * 64).any()
    assert readable_hashes(None).shape == (KEPT_WORDS,)
    nobody = np.zeros((2, KEPT_WORDS), np.uint64)
    assert nearest_copy(asked_of(judged(photo(3)).hashes), nobody, np.arange(2)) is None
    assert not len(among_copies(asked_of(judged(photo(3)).hashes), nobody))
