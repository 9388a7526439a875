"""Texts and profiles of a PNG are never a reason to refuse its pixels, and cost little however large they unpack."""

import time
import zlib

import numpy as np
import pytest
from PIL import Image

from features.vision.decode import decode
from features.vision.png_chunks import ROOM, without_bulk
from tests.harness.paths import SHARED_DATA
from tests.harness.profiles import SWAPPED, chunk, encoded, with_chunks

PNG = encoded(Image.effect_noise((96, 80), 90).convert("RGB"))
BOMB = zlib.compress(bytes(30 * ROOM))
FIELD = SHARED_DATA / "field" / "pictures"


@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"zTXt", b"Comment\0\0" + BOMB),
        chunk(b"iTXt", b"Comment\0\x01\0en\0\0" + BOMB),
        chunk(b"iCCP", b"profile\0\0" + BOMB),
        chunk(b"tEXt", b"Comment\0" + b"x" * (ROOM + 1)),
        chunk(b"zTXt", b"Comment\0\x07" + zlib.compress(b"method 7 is none")),
        chunk(b"zTXt", b"Comment\0\0not zlib"),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(SWAPPED)[:-20]),
        chunk(b"tEXt", b"Comment\0hello")[:-1] + b"!",
        chunk(b"pHYs", b"\0"),
    ],
    ids=["zTXt", "iTXt", "iCCP", "tEXt", "method", "no zlib", "cut", "checksum", "length"],
)
@pytest.mark.parametrize("place", [b"IDAT", b"IEND"])
def test_the_chunk_is_left_out_and_the_pixels_stay(odd: bytes, place: bytes) -> None:
    assert (decode(with_chunks(PNG, odd, before=place)).pixels == decode(PNG).pixels).all()


def test_many_small_bombs_cost_no_more_than_one() -> None:
    bombs = [chunk(b"zTXt", b"Comment\0\0" + BOMB)] * 300
    bombs += [chunk(b"iCCP", b"profile\0\0" + BOMB)] * 300
    began = time.process_time()
    assert decode(with_chunks(PNG, *bombs)).width == 96
    assert time.process_time() - began < 0.5


def test_many_texts_that_are_small_one_by_one_do_not_add_up_to_a_refusal() -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(ROOM // 2)))
    assert decode(with_chunks(PNG, *[text] * 400)).width == 96


def test_a_profile_behind_a_bomb_is_still_applied() -> None:
    red = encoded(Image.new("RGB", (64, 64), (255, 0, 0)), icc_profile=SWAPPED)
    pixels = decode(with_chunks(red, chunk(b"zTXt", b"Comment\0\0" + BOMB), before=b"iCCP")).pixels
    assert np.abs(pixels[0, 0].astype(int) - (0, 255, 0)).max() < 6


def test_a_small_text_is_kept_so_that_its_orientation_counts() -> None:
    xmp = b"XML:com.adobe.xmp\0\0\0\0\0" + b'<x tiff:Orientation="6"/>'
    wide = with_chunks(encoded(Image.new("RGB", (60, 40))), chunk(b"iTXt", xmp))
    assert (decode(wide).width, decode(wide).height) == (40, 60)


def test_an_ordinary_file_is_not_copied() -> None:
    assert without_bulk(PNG) is PNG


@pytest.mark.parametrize("end", range(0, 60, 7))
def test_a_file_that_ends_anywhere_is_left_to_the_decoder(end: int) -> None:
    assert without_bulk(PNG[:end]) == PNG[:end]


@pytest.mark.skipif(not FIELD.is_dir(), reason="../shared/data/field is not on this machine")
def test_the_long_text_from_the_field_hides_no_picture() -> None:
    whole, long_text = (decode((FIELD / name).read_bytes()).pixels for name in ("whole.jpg", "png_long_ztxt.png"))
    assert np.abs(whole.astype(int) - long_text).mean() < 3
