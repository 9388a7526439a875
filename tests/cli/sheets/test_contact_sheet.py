from io import BytesIO

import pytest
from PIL import Image

from cli.sheets.contact_sheet import ITEMS_SHOWN, Cell, draw_contact_sheet


def picture(colour: tuple[int, int, int]) -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 60), colour).save(out, "WEBP")
    return out.getvalue()


def test_each_picture_lies_in_its_place() -> None:
    cells = [Cell("a", "a", picture=picture((200, 20, 20))), Cell("b", "b", picture=picture((20, 20, 200)))]
    sheet = draw_contact_sheet("two", cells)
    red, blue = sheet.getpixel((140, 200)), sheet.getpixel((360, 200))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert red[0] > 180 > 60 > red[2]
    assert blue[2] > 180 > 60 > blue[0]


@pytest.mark.parametrize("count", [0, 1, 2, 6, 7, ITEMS_SHOWN])
def test_any_number_of_items_fits(count: int) -> None:
    sheet = draw_contact_sheet("t", [Cell(str(place), str(place)) for place in range(count)])
    assert sheet.width <= 1400
    assert sheet.height < 3200


@pytest.mark.parametrize("data", [None, b"", b"no picture", picture((1, 2, 3))[:40]])
def test_what_is_no_picture_stays_blank(data: bytes | None) -> None:
    assert draw_contact_sheet("t", [Cell("a", "a", picture=data)]).size


def test_hostile_words_do_not_spoil_a_sheet() -> None:
    words = "\x1b]0;owned\a\u202e" + "w" * 5_000
    assert draw_contact_sheet(words, [Cell("a", words, words)]).width <= 1400
