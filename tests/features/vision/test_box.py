"""A part of a picture: what is cut is what a viewer sees there, however the file is turned."""

import re
from functools import cache
from io import BytesIO

import msgspec
import numpy as np
import pytest
from PIL import Image

from features.vision.box import Part, View
from features.vision.decode import Wanted, decode, middle_square
from features.vision.formats import BadImage
from sightline_client.events import Box, Upload

COLOURS = {
    "upper left": (200, 30, 40),
    "upper right": (30, 160, 60),
    "lower left": (40, 60, 210),
    "lower right": (9, 9, 9),
}
BOXES = {
    "upper left": Box(x=0.05, y=0.05, width=0.4, height=0.4),
    "upper right": Box(x=0.55, y=0.05, width=0.4, height=0.4),
    "lower left": Box(x=0.05, y=0.55, width=0.4, height=0.4),
    "lower right": Box(x=0.55, y=0.55, width=0.4, height=0.4),
}
#: Of less than a pixel.
TINY = Box(x=0.5, y=0.5, width=0.001, height=0.001)
#: With green and black, so that it shows something by itself.
HALF_GREEN = Box(x=0.5, y=0, width=0.5, height=1)
#: What a camera does to the upright picture, by the EXIF orientation that undoes it.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quarters() -> Image.Image:
    """Upright, 600 × 400, with a colour in each quarter."""
    image = Image.new("RGB", (600, 400))
    for number, colour in enumerate(COLOURS.values()):
        left, top = number % 2 * 300, number // 2 * 200
        image.paste(colour, (left, top, left + 300, top + 200))
    return image


def stored(orientation: int = 1, format_: str = "JPEG") -> bytes:
    """A file that this EXIF orientation turns to `quarters`."""
    image = quarters()
    if orientation in TURNS:
        image = image.transpose(TURNS[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = BytesIO()
    image.save(buffer, format_, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("quarter", COLOURS)
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_a_box_shows_what_a_viewer_sees_there(orientation: int, quarter: str, format_: str) -> None:
    found = decode(stored(orientation, format_), Wanted(views=(BOXES[quarter],)))
    assert (found.width, found.height) == (600, 400)
    assert np.abs(found.pixels.astype(int) - COLOURS[quarter]).max() < 12


#: Of pictures of 3,000 × 2,000: reduced before they are scaled, scaled down alone, and scaled up.
PARTS: list[Part] = [
    *[(0, 0, 2_990, 1_995), (7, 3, 3_000, 2_000), (400, 100, 1_650, 2_000), (0, 500, 3_000, 1_100)],
    *[(10, 10, 900, 1_990), (1_500, 20, 1_800, 1_020), (3, 3, 1_340, 1_340), (31, 47, 63, 80)],
    (2_980, 0, 3_000, 2_000),
]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("mode", ["RGB", "RGBa"])
def test_a_part_is_scaled_as_if_only_it_had_come(part: Part, mode: str) -> None:
    image = noise(mode)
    found, alone = middle_square(image, 224, part), alone_scaled(image, part)
    # Of noise: a shift by a pixel would change it by far more. Pillow rounds by where a box begins.
    assert np.abs(np.asarray(found).astype(int) - np.asarray(alone)).mean() < 1


@pytest.mark.parametrize("part", PARTS)
def test_what_is_beside_a_part_does_not_count(part: Part) -> None:
    image = noise("RGB")
    other = Image.new("RGB", image.size, (255, 0, 255))
    other.paste(image.crop(part), part[:2])
    assert middle_square(other, 224, part).tobytes() == middle_square(image, 224, part).tobytes()


def test_of_a_part_whose_middle_is_clear_the_visible_end_is_seen() -> None:
    image = Image.new("RGBA", (900, 300), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (100, 0, 700, 300))
    image.paste((0, 90, 200, 255), (700, 0, 760, 300))
    part = (100, 0, 800, 300)
    found = middle_square(image.convert("RGBa"), 224, part)
    assert found.getpixel((112, 112)) in {(0, 90, 200, 255), (255, 0, 0, 255)}
    assert np.asarray(found)[..., 3].min() > 150


@cache
def noise(mode: str) -> Image.Image:
    coloured = Image.effect_noise((3_000, 2_000), 60).convert("RGB")
    return coloured.convert("RGBA").convert("RGBa") if mode == "RGBa" else coloured


def alone_scaled(image: Image.Image, part: Part) -> Image.Image:
    """What Pillow itself makes of the middle square of a picture that is this part."""
    alone = image.crop(part)
    side = min(alone.size)
    left, top = (alone.width - side) / 2, (alone.height - side) / 2
    box = (left, top, left + side, top + side)
    return alone.resize((224, 224), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


def test_the_whole_picture_as_a_box_is_the_picture() -> None:
    whole = decode(stored(), Wanted(views=(Box(x=0, y=0, width=1, height=1),)))
    assert (whole.pixels == decode(stored()).pixels).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_squeezed_a_picture_shows_all_that_a_viewer_sees(orientation: int) -> None:
    pixels = decode(stored(orientation, "PNG"), Wanted(views=("squeezed",))).pixels.astype(int)
    corners = (pixels[2, 2], pixels[2, -3], pixels[-3, 2], pixels[-3, -3])
    assert [tuple(corner) for corner in corners] == [*COLOURS.values()]


def test_several_views_of_one_decoding_are_what_each_is_alone() -> None:
    data = stored(6, "PNG")
    views: tuple[View, ...] = (*BOXES.values(), "squeezed", None)
    alone = [decode(data, Wanted(views=(view,))).pixels for view in views]
    assert (decode(data, Wanted(views=views)).views == np.stack(alone)).all()


def test_of_a_moving_picture_all_views_are_of_the_frame_that_shows_most_in_them() -> None:
    black, buffer = Image.new("RGB", (600, 400)), BytesIO()
    black.save(buffer, "WEBP", save_all=True, append_images=[quarters()], lossless=True)
    found = decode(buffer.getvalue(), Wanted(views=(BOXES["lower right"], BOXES["upper left"])))
    assert np.abs(found.views[1].astype(int) - COLOURS["upper left"]).max() < 12


def without_upper_half() -> bytes:
    """Its upper half is transparent."""
    image, buffer = quarters().convert("RGBA"), BytesIO()
    image.paste((0, 0, 0, 0), (0, 0, 600, 200))
    image.save(buffer, "PNG")
    return buffer.getvalue()


def refusals(views: tuple[View, ...]) -> dict[int, tuple[str, str]]:
    found = decode(without_upper_half(), Wanted(views=views))
    assert len(found.views) == len(views) - len(found.refused)
    return {place: (error.reason, str(error)) for place, error in found.refused.items()}


def test_a_box_that_cannot_be_looked_at_is_refused_by_itself_and_named() -> None:
    assert refusals((BOXES["upper left"], BOXES["lower right"], TINY)) == {
        0: ("blank", "all of the box 0.05,0.05,0.4,0.4 is transparent: choose one that shows something"),
        2: (
            "box",
            "the box 0.5,0.5,0.001,0.001 is 1×0 pixels of a picture of 600×400: choose one of 16 pixels a side or more",
        ),
    }
    assert refusals((None, "squeezed", BOXES["upper right"])).keys() == {2}
    assert refusals((BOXES["lower left"],) * 8) == {}


def test_the_views_that_are_left_keep_their_order() -> None:
    data, right, left = without_upper_half(), BOXES["lower right"], BOXES["lower left"]
    seen = decode(data, Wanted(views=(TINY, right, BOXES["upper left"], left)))
    assert (seen.views == np.stack([decode(data, Wanted(views=(box,))).pixels for box in (right, left)])).all()


@pytest.mark.parametrize(
    ("views", "reason", "says"),
    [
        ((BOXES["upper left"],), "blank", "all of the box 0.05,0.05,0.4,0.4 is transparent"),
        ((TINY,), "box", "the box 0.5,0.5,0.001,0.001 is 1×0 pixels"),
        ((TINY, BOXES["upper left"]), "box", "more; all of the box 0.05,0.05,0.4,0.4 is transparent"),
        ((BOXES["upper left"], BOXES["upper right"]), "blank", "something; all of the box 0.55,0.05,0.4,0.4 is"),
    ],
    ids=["transparent", "tiny", "both", "all transparent"],
)
def test_where_no_box_can_be_looked_at_the_picture_is_refused_and_each_is_named(
    views: tuple[View, ...], reason: str, says: str
) -> None:
    with pytest.raises(BadImage, match=re.escape(says)) as caught:
        decode(without_upper_half(), Wanted(views=views))
    assert caught.value.reason == reason


def test_a_box_that_only_a_later_frame_shows_is_seen_there_where_it_is_the_only_one() -> None:
    clear, buffer = Image.new("RGBA", (600, 400)), BytesIO()
    half = clear.copy()
    half.paste(quarters(), (0, 0))
    half.paste((0, 0, 0, 0), (0, 0, 300, 400))
    half.save(buffer, "PNG", save_all=True, append_images=[quarters().convert("RGBA")])
    assert decode(buffer.getvalue(), Wanted(views=(BOXES["upper left"],))).refused == {}
    both = decode(buffer.getvalue(), Wanted(views=(BOXES["upper left"], HALF_GREEN)))
    assert both.refused.keys() == {0}


def test_a_box_of_a_large_photo_is_not_cut_from_a_small_copy() -> None:
    # Squares of 8 pixels, black and white: scaled down by a tenth, all would be grey.
    board = (np.indices((2240, 2240)) // 8).sum(axis=0) % 2 * 255
    buffer = BytesIO()
    Image.fromarray(board.astype(np.uint8)).convert("RGB").save(buffer, "JPEG", quality=95)
    pixels = decode(buffer.getvalue(), Wanted(views=(Box(x=0.5, y=0.5, width=0.1, height=0.1),))).pixels
    assert pixels.std() > 100


@pytest.mark.parametrize("box", [Box(x=0.5, y=0.5, width=0.001, height=0.001), Box(x=0, y=0, width=1, height=0.01)])
def test_a_box_of_next_to_nothing_is_refused_and_says_how_large_it_is(box: Box) -> None:
    with pytest.raises(BadImage, match="of a picture of 600×400: choose") as caught:
        decode(stored(), Wanted(views=(box,)))
    assert caught.value.reason == "box"


@pytest.mark.parametrize(
    "box",
    [
        {"x": 0.5, "y": 0, "width": 0.6, "height": 1},
        {"x": -0.1, "y": 0, "width": 0.5, "height": 1},
        {"x": 0, "y": 1, "width": 0.5, "height": 0.5},
        {"x": 0, "y": 0, "width": 0, "height": 1},
        {"x": float("nan"), "y": 0, "width": 0.5, "height": 1},
        {"x": 0, "y": 0, "width": float("nan"), "height": 1},
        {"x": 0, "y": 0, "width": 0.5},
    ],
    ids=["too wide", "left of it", "below it", "empty", "NaN", "NaN wide", "no height"],
)
def test_a_box_outside_of_the_picture_is_none(box: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(box, Box)


HALF = {"x": 0, "y": 0, "width": 0.5, "height": 0.5}
QUERY = {"event_id": "e", "item_id": "i", "user_id": "u", "occurred_at_ms": 0, "purpose": "query", "image_ref": "a.jpg"}


@pytest.mark.parametrize("parts", [{"box": HALF}, {"box": "salient"}, {"boxes": [HALF, HALF]}])
@pytest.mark.parametrize("fields", [{"purpose": "catalog"}, {"image_ref": None, "video_ref": "a.mp4"}])
def test_a_box_is_for_a_query_by_picture(parts: dict[str, object], fields: dict[str, object]) -> None:
    assert msgspec.convert(QUERY | parts, Upload).is_about_parts
    with pytest.raises(msgspec.ValidationError, match=r"`box(es)?` is for a"):
        msgspec.convert(QUERY | parts | fields, Upload)


@pytest.mark.parametrize("parts", [{"box": "salient"}, {"boxes": [HALF]}])
def test_words_alone_have_no_parts(parts: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError, match="a query without a picture"):
        msgspec.convert(QUERY | parts | {"image_ref": None, "text": "red"}, Upload)


@pytest.mark.parametrize(
    "parts",
    [
        {"box": "all"},
        {"boxes": []},
        {"boxes": [HALF] * 9},
        {"boxes": ["salient"]},
        {"boxes": [HALF, HALF | {"x": 0.6}]},
        {"boxes": [HALF], "box": HALF},
        {"boxes": [HALF], "box": "salient"},
    ],
    ids=["no word", "none", "nine", "a word among them", "outside", "both", "both salient"],
)
def test_what_no_picture_has_is_not_asked_about(parts: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(QUERY | parts, Upload)
