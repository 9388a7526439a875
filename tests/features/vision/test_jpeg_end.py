"""A JPEG that lacks its end is a picture; one that lacks a part that would be seen is not."""

import numpy as np
import pytest
from PIL import Image

from features.vision.decode import decode
from features.vision.formats import BadImage
from tests.harness.paths import SHARED_DATA
from tests.harness.profiles import encoded

NOISE = Image.merge("RGB", [Image.effect_noise((320, 240), 80) for _ in "rgb"])
FIELD = SHARED_DATA / "field" / "pictures"
KINDS = {
    "baseline": {"quality": 85},
    "progressive": {"quality": 85, "progressive": True},
    "restart markers": {"quality": 85, "restart_marker_rows": 1},
}


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("missing", [1, 2, 3, 12])
def test_a_missing_end_is_not_missed(options: dict[str, object], missing: int) -> None:
    whole = encoded(NOISE, "JPEG", **options)
    found = decode(whole[:-missing]).pixels.astype(int) - decode(whole).pixels
    assert np.abs(found).mean() < 1


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_so_it_is_in_grey_and_in_print(mode: str) -> None:
    assert decode(encoded(NOISE.convert(mode), "JPEG")[:-2]).width == 320


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_a_part_of_a_picture_is_refused(options: dict[str, object], share: float) -> None:
    whole = encoded(NOISE, "JPEG", **options)
    with pytest.raises(BadImage) as caught:
        decode(whole[: int(len(whole) * share)])
    assert caught.value.reason == "truncated"


def test_the_last_bits_of_a_progressive_picture_are_not_missed() -> None:
    whole = encoded(NOISE, "JPEG", **KINDS["progressive"])
    found = decode(whole[: len(whole) * 9 // 10]).pixels.astype(int) - decode(whole).pixels
    assert np.abs(found).mean() < 5


@pytest.mark.skipif(not FIELD.is_dir(), reason="../shared/data/field is not on this machine")
def test_the_one_from_the_field_is_like_the_whole() -> None:
    whole, cut = (decode((FIELD / name).read_bytes()).pixels for name in ("whole.jpg", "no_end_mark.jpg"))
    assert np.abs(whole.astype(int) - cut).mean() < 0.1
