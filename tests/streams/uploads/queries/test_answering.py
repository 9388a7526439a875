"""Queries about parts of a picture: its boxes, or what is salient in it."""

from io import BytesIO

import msgspec
import pytest
from PIL import Image

from inference.errors import BadEmbedding, EncoderUnavailable
from sightline_client.lists import Recommendations
from tests.harness.uploads import BLUE, RED, WHITE, Studio, query, record, upload

LEFT = {"x": 0.0, "y": 0.0, "width": 0.5, "height": 1.0}
RIGHT = {"x": 0.5, "y": 0.0, "width": 0.5, "height": 1.0}
#: A pixel of a `picture`.
PIXEL = {"x": 0.5, "y": 0.5, "width": 1 / 300, "height": 1 / 300}
#: The upper edge.
CLEAR = {"x": 0.0, "y": 0.0, "width": 1.0, "height": 0.2}


@pytest.fixture
async def studio() -> Studio:
    """With a red and a blue item in the catalogue."""
    studio = Studio()
    await studio.handle([record(0, upload("red", picture(RED))), record(1, upload("blue", picture(BLUE)))])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    studio.publisher.messages.clear()
    return studio


def picture(*colours: tuple[int, int, int], size: int = 300) -> bytes:
    """Colours side by side; of a single one its lower edge is white, so that it shows something."""
    image = Image.new("RGB", (size, size), WHITE)
    width = size // len(colours)
    for number, colour in enumerate(colours):
        image.paste(colour, (number * width, 0, (number + 1) * width, size - (len(colours) == 1) * size // 4))
    return png(image)


def room(*things: tuple[int, int, int]) -> bytes:
    """Small things on a white wall, 600 × 300, none of them in its middle square's middle."""
    image = Image.new("RGB", (600, 300), WHITE)
    for number, colour in enumerate(things):
        image.paste(colour, (30 + number * 400, 160, 150 + number * 400, 280))
    return png(image)


def png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


async def answered(studio: Studio, asked: bytes, **changes: object) -> Recommendations:
    await studio.handle([query(asked, **changes)])
    (answer,) = studio.publisher.lists()
    return answer


async def test_each_box_has_its_own_answer_in_the_order_of_the_query(studio: Studio) -> None:
    answer = await answered(studio, picture(BLUE, RED), boxes=[RIGHT, LEFT])
    assert answer.regions is not None
    assert [region.items[0].item_id for region in answer.regions] == ["red", "blue"]
    assert [msgspec.to_builtins(region.box) for region in answer.regions] == [RIGHT, LEFT]


async def test_a_picture_is_decoded_once_for_all_its_boxes_which_are_encoded_together(studio: Studio) -> None:
    decoded, batches = studio.decoded, len(studio.encoder.batches)
    await answered(studio, picture(BLUE, RED), boxes=[RIGHT, LEFT] * 4)
    assert (studio.decoded - decoded, studio.encoder.batches[batches:]) == (1, [8])


async def test_one_decoding_more_finds_what_is_salient(studio: Studio) -> None:
    decoded, batches = studio.decoded, len(studio.encoder.batches)
    await answered(studio, room(RED, BLUE), box="salient")
    assert (studio.decoded - decoded, studio.encoder.batches[batches:]) == (2, [2])


async def test_the_items_of_the_answer_are_the_best_of_all_boxes_each_once(studio: Studio) -> None:
    answer = await answered(studio, picture(BLUE, RED), boxes=[RIGHT, LEFT])
    assert answer.regions is not None
    assert sorted(item.item_id for item in answer.items) == ["blue", "red"]
    assert answer.items[0].score == max(item.score for region in answer.regions for item in region.items)
    studio.publisher.messages.clear()
    assert len((await answered(studio, picture(BLUE, RED), boxes=[RIGHT, LEFT], count=1)).items) == 1


async def test_a_query_about_all_of_a_picture_has_no_regions(studio: Studio) -> None:
    assert (await answered(studio, picture(RED))).regions is None


async def test_one_box_is_a_region_too(studio: Studio) -> None:
    answer = await answered(studio, picture(BLUE, RED), box=LEFT)
    assert answer.regions is not None
    assert answer.regions[0].items == answer.items
    assert answer.items[0].item_id == "blue"


async def test_boxes_are_compared_by_colour_and_in_words_too(studio: Studio) -> None:
    by_colour = {"boxes": [LEFT, RIGHT], "by": {"colour": 1}, "only": {"min_similarity": 0.5}}
    answer = await answered(studio, picture(BLUE, RED), **by_colour)
    assert answer.regions is not None
    assert [[item.item_id for item in region.items] for region in answer.regions] == [["blue"], ["red"]]
    studio.publisher.messages.clear()
    await answered(studio, picture(BLUE, RED), boxes=[LEFT, RIGHT], text="a red shirt")
    assert studio.tower.asked == ["a red shirt"]


async def test_the_salient_part_is_where_the_thing_lies(studio: Studio) -> None:
    answer = await answered(studio, room(RED), box="salient")
    assert answer.regions is not None
    (region,) = answer.regions
    assert region.box is not None
    assert (region.box.x, region.box.y) == pytest.approx((0.05, 0.53), abs=0.1)
    assert (region.box.width, region.box.height) == pytest.approx((0.2, 0.4), abs=0.15)
    assert (region.items[0].item_id, answer.degraded) == ("red", [])


async def test_two_things_are_two_regions(studio: Studio) -> None:
    answer = await answered(studio, room(RED, BLUE), box="salient")
    assert answer.regions is not None
    assert sorted(region.items[0].item_id for region in answer.regions) == ["blue", "red"]


@pytest.mark.parametrize("colour", [WHITE, RED, (0, 0, 0)])
async def test_of_a_picture_of_one_colour_the_whole_is_compared_and_the_answer_says_so(
    studio: Studio, colour: tuple[int, int, int]
) -> None:
    answer = await answered(studio, png(Image.new("RGB", (300, 200), colour)), box="salient")
    assert answer.regions is not None
    assert [region.box for region in answer.regions] == [None]
    assert answer.items == answer.regions[0].items != []


async def test_of_a_picture_of_a_few_pixels_the_whole_is_compared(studio: Studio) -> None:
    answer = await answered(studio, picture(BLUE, RED, size=12), box="salient")
    assert answer.regions is not None
    assert [region.box for region in answer.regions] == [None]


async def test_without_a_salience_map_the_whole_is_compared_and_the_answer_says_so(studio: Studio) -> None:
    studio.encoder.gives_salience = False
    answer = await answered(studio, room(RED), box="salient")
    assert answer.regions is not None
    assert ([region.box for region in answer.regions], answer.degraded) == ([None], ["salience"])


async def test_a_query_about_the_salient_part_waits_while_the_encoder_is_away(studio: Studio) -> None:
    studio.encoder.failure = EncoderUnavailable("not yet")  # the studio's comes back after two complaints
    answer = await answered(studio, room(RED), box="salient")
    assert (answer.items[0].item_id, len(studio.trouble)) == ("red", 2)


async def test_a_map_that_cannot_be_used_is_a_dead_letter(studio: Studio) -> None:
    studio.encoder.failure = BadEmbedding("NaN")
    await studio.handle([query(room(RED), box="salient")])
    assert studio.reasons() == ["bad_embedding"]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"boxes": [LEFT, LEFT | {"x": 0.9}]}, "invalid_event"),
        ({"boxes": [LEFT, LEFT | {"width": 0}]}, "invalid_event"),
        ({"boxes": []}, "invalid_event"),
        ({"boxes": [LEFT] * 9}, "invalid_event"),
        ({"boxes": [LEFT], "box": "salient"}, "invalid_event"),
        ({"box": "everything"}, "invalid_event"),
        ({"boxes": [PIXEL, PIXEL]}, "bad_image"),
        ({"box": PIXEL}, "bad_image"),
    ],
    ids=["outside", "empty", "none", "nine", "both", "no word", "pixels", "a pixel"],
)
async def test_boxes_that_cannot_be_are_a_dead_letter(studio: Studio, parts: dict[str, object], reason: str) -> None:
    await studio.handle([query(picture(BLUE, RED), **parts)])
    assert (studio.reasons(), studio.publisher.lists()) == ([reason], [])


async def test_a_box_outside_of_the_picture_is_named(studio: Studio) -> None:
    await studio.handle([query(picture(BLUE, RED), boxes=[LEFT, LEFT | {"x": 0.9}])])
    assert "`boxes[1]`: a box lies within the picture: `x` 0.9" in studio.publisher.dead_letters()[0].error


async def test_a_box_that_cannot_be_looked_at_says_why_and_the_others_are_answered(studio: Studio) -> None:
    shelf = Image.open(BytesIO(picture(BLUE, RED))).convert("RGBA")
    shelf.paste((0, 0, 0, 0), (0, 0, 300, 60))
    boxes = [PIXEL, RIGHT, CLEAR, LEFT, PIXEL]
    answer = await answered(studio, png(shelf), boxes=boxes)
    assert answer.regions is not None
    assert [msgspec.to_builtins(region.box) for region in answer.regions] == boxes
    assert [[item.item_id for item in region.items][:1] for region in answer.regions] == [[], ["red"], [], ["blue"], []]
    assert [(region.refused or "").partition(":")[0] for region in answer.regions] == ["box", "", "blank", "", "box"]
    assert {item.item_id for item in answer.items} == {"red", "blue"}
    assert answer.model["encoder"]


async def test_a_file_that_is_no_picture_is_a_dead_letter_whatever_part_is_asked_about(studio: Studio) -> None:
    await studio.handle([query(b"no picture", box="salient"), query(b"no picture", boxes=[LEFT, RIGHT])])
    assert studio.reasons() == ["bad_image", "bad_image"]
