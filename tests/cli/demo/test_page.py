from base64 import b64decode
from io import BytesIO

import pytest
from PIL import Image

from benchmarks.world.shoppers import Product, Shopper, Taste
from cli.demo.page import render_page
from cli.demo.sheet import render_sheet
from cli.demo.story import Chapter, Figure, Story, Tile, chapter
from features.recommendation import Reason, RecommendedItem

PRODUCTS = {
    "m1": Product("m1", "Red mug", "mugs"),
    "m2": Product("m2", "Blue mug", "mugs"),
    "h1": Product("h1", "Green hat", "hats"),
}
ADA = Shopper("ada-1", "Ada", Taste(("mugs",)))


def item(item_id: str, *reasons: Reason) -> RecommendedItem:
    return RecommendedItem(item_id=item_id, score=0.5, source="visual", explore=False, reasons=list(reasons))


def story(*chapters: Chapter) -> Story:
    return Story((Figure("3.4", "ms", "event to list, p50"),), chapters, "Kafka 4.1.0")


@pytest.fixture
def thumbnail() -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 40), (200, 20, 20)).save(out, "JPEG")
    return out.getvalue()


def test_a_chapter_says_why_with_the_title_of_the_item_that_was_clicked() -> None:
    told = chapter(ADA, ["m1"], [item("m2", Reason(code="looks_like", item_id="m1", similarity=0.91))], PRODUCTS)
    assert told.feed == (Tile("m2", "Blue mug", "looks like Red mug (0.91)", fits=True),)


def test_the_last_click_comes_first_and_each_item_once() -> None:
    told = chapter(ADA, ["m1", "m2", "m1"], [], PRODUCTS)
    assert [tile.item_id for tile in told.clicked] == ["m1", "m2"]


def test_a_chapter_counts_what_is_to_the_taste() -> None:
    assert chapter(ADA, [], [item("m1"), item("h1"), item("m2")], PRODUCTS).fitting == 2


def test_an_item_that_is_not_the_demos_appears_by_its_id() -> None:
    assert chapter(ADA, [], [item("other")], PRODUCTS).feed == (Tile("other", "other", "", fits=False),)


def test_the_page_holds_the_pictures_themselves_and_links_to_nothing(thumbnail: bytes) -> None:
    page = render_page(story(chapter(ADA, ["m1"], [], PRODUCTS)), {"m1": thumbnail})
    inside = page.split("base64,")[1].split('"')[0]
    assert b64decode(inside) == thumbnail
    assert "http" not in page


def test_titles_are_escaped() -> None:
    products = {"x": Product("x", "<script>alert(1)</script>", "mugs")}
    assert "<script>" not in render_page(story(chapter(ADA, ["x"], [], products)), {})


def test_a_missing_picture_leaves_the_page_whole() -> None:
    page = render_page(story(chapter(ADA, ["m1"], [item("m2")], PRODUCTS)), {})
    assert "Red mug" in page
    assert "1 of 1 to Ada’s taste" in page


def test_the_sheet_grows_with_the_chapters(thumbnail: bytes) -> None:
    one = chapter(ADA, ["m1"], [item("m2")], PRODUCTS)
    short, long = render_sheet(story(one), {"m1": thumbnail}), render_sheet(story(one, one), {})
    assert short.width == long.width
    assert short.height < long.height


def test_the_sheet_shows_the_pictures(thumbnail: bytes) -> None:
    sheet = render_sheet(story(chapter(ADA, ["m1"], [], PRODUCTS)), {"m1": thumbnail})
    colours = sheet.getcolors(maxcolors=1 << 24)
    assert colours is not None
    reddish = [rgb for _, rgb in colours if isinstance(rgb, tuple) and rgb[0] > 180 and max(rgb[1:]) < 40]
    assert reddish


def test_a_very_long_title_is_cut() -> None:
    products = {"x": Product("x", "word " * 200 + "w" * 400, "mugs")}
    assert render_sheet(story(chapter(ADA, ["x"], [item("x")], products)), {}).height > 0
