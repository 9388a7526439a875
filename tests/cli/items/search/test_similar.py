import json
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from cli.items.picture_folder import shown_by
from cli.items.search.similar import Asked, _print, parse_boxes, say_where, show_found
from cli.main import app
from streams.wire.events import IMAGE_LIMIT, Box, Only, Recommendations, Region
from tests.harness.answers import answer, item_of
from tests.harness.clips import RED, clip, scene

ASKED = Asked(Path("a.png"), None, Only(), None, (), 5)
BOX = Box(x=0.25, y=0, width=0.5, height=1)


@pytest.mark.parametrize("by", ["smell", "colour=-1", "look=0"])
def test_what_cannot_be_compared_is_refused_before_anything_starts(by: str, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.new("RGB", (20, 20)).save(image)
    with pytest.raises(typer.BadParameter, match=r"does not name one of|has no weight|no weight is above 0"):
        show_found(Asked(image, None, Only(), by, (), 5), 1.0, None, False)


@pytest.mark.parametrize(
    ("words", "by", "says"),
    [
        (" ", None, "`text` is blank"),
        ("", None, "`text` is blank"),
        ("a" * 1001, None, "length <= 1000"),
        ("red", "look", "a query without a picture compares by words alone"),
    ],
)
def test_words_that_cannot_be_asked_are_refused_before_anything_starts(words: str, by: str | None, says: str) -> None:
    with pytest.raises(typer.BadParameter, match=says):
        show_found(Asked(None, words, Only(), by, (), 5), 1.0, None, False)


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ("0.5,0,0.6,1", "within the picture"),
        ("0,0,0,1", "`x` 0 and its length 0"),
        ("0,0,2,1", "`x` 0 and its length 2 must be within 0 to 1"),
        ("nan,0,0.5,0.5", "box"),
        ("0,0,nan,0.5", "box"),
        ("-0.1,0,0.5,0.5", "`x` -0.1"),
        ("1,2,3", "x,y,width,height"),
        ("salent", "'salent' is neither salient nor x,y,width,height"),
    ],
)
def test_a_box_that_is_none_is_refused_before_anything_starts(box: str, says: str, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.new("RGB", (20, 20)).save(image)
    with pytest.raises(typer.BadParameter, match=says):
        show_found(Asked(image, None, Only(), "look", [box], 5), 1.0, None, False)


@pytest.mark.parametrize(
    ("boxes", "says"),
    [(["salient", "0,0,1,1"], "leave the other boxes out"), (["0,0,1,1"] * 9, "9 times --box: at most 8")],
)
def test_boxes_that_cannot_be_asked_together_are_refused(boxes: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_boxes(boxes)


def test_one_box_is_a_box_and_several_are_boxes() -> None:
    one, other = Box(x=0, y=0, width=1, height=0.5), Box(x=0, y=0.5, width=1, height=0.5)
    assert parse_boxes([]) == (None, None)
    assert parse_boxes(["salient"]) == ("salient", None)
    assert parse_boxes(["0,0,1,0.5"]) == (one, None)
    assert parse_boxes(["0,0,1,0.5", "0,0.5,1,0.5"]) == (None, (one, other))


def test_a_box_is_of_no_clip(tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    film.write_bytes(clip([scene(RED)]))
    with pytest.raises(typer.BadParameter, match="--box is for a picture"):
        show_found(Asked(film, None, Only(), "look", ["0,0,0.5,0.5"], 5), 1.0, None, False)


def test_a_clip_that_does_not_fit_into_an_event_says_where_to_put_it() -> None:
    with pytest.raises(ValueError, match="video_ref"):
        shown_by(clip([scene(RED)]) + bytes(IMAGE_LIMIT))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["similar", __file__, "--min-price", "9", "--max-price", "3"], "9 is above --max-price 3"),
        (["similar", __file__, "--attribute", "brand"], "a key and a value, such as brand=Acme"),
        (["similar", __file__, "--attribute", "a=b", "--attribute", "a=c"], "name each key once"),
        (["search", "red", "--tag", "shooe"], "shooe is none of: fish,"),
        (["items", "import", ".", "--attribute", "brand"], "name it with --csv"),
        (["search", "red", "--min-price", "9", "--max-price", "3"], "9 is above --max-price 3"),
        (["similar", __file__, "--sheet", "a.jpg"], "'a.jpg' does not end in .png"),
        (["similar", __file__, "--sheet", "no/folder/a.png"], "is in no folder that exists"),
        (["items", "identify", __file__, "--csv", "no/folder/a.csv"], "is in no folder that exists"),
        (["items", "show", "i1", "--picture", "no/folder/a.webp"], "is in no folder that exists"),
        (["similar", __file__, "--sheet", "-"], "this terminal shows no pictures"),
        (["items", "pictures", "--even-most"], "nothing is removed without --sweep"),
        (["train", "factors", "--from-kafka", "--data", str(Path(__file__).parent)], "not both"),
    ],
)
def test_words_that_contradict_each_other_are_refused_before_anything_starts(words: list[str], says: str) -> None:
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert says in " ".join(refused.output.replace("│", " ").split())


def test_an_answer_without_items_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    _print(ASKED, answer([]), False)
    printed = capsys.readouterr()
    assert (printed.out, "no item in stock is like it" in printed.err) == ("", True)
    assert "--min-similarity" not in printed.err


def test_words_that_find_nothing_say_how_to_see_what_is_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    _print(Asked(None, "laptop", Only(), None, (), 5), answer([]), False)
    said = " ".join(capsys.readouterr().err.split())
    assert said == "no item in stock fits the words within these limits; --min-similarity 0 shows what is nearest"


def test_a_long_id_is_shown_whole_so_that_it_can_be_copied(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    long = "0098b1c0-bd39-41c2-a172-17066bc9fd26-of-a-shop.jpg"
    _print(ASKED, answer([Region(items=[item_of(long)])]), False)
    cells = [line.split("│")[2].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert "".join(cells) == long


def test_each_region_has_its_own_table_and_its_own_items_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer([Region(box=BOX, items=[item_of("i1")]), Region(items=[item_of("i2")])])
    _print(ASKED, found, False)
    printed = capsys.readouterr().out
    assert "in 0.25,0,0.5,1" in printed
    assert "all of the picture" in printed
    _print(ASKED, found, True)
    regions = json.loads(capsys.readouterr().out)["regions"]
    assert [each["box"] for each in regions] == [{"x": 0.25, "y": 0, "width": 0.5, "height": 1}, None]
    assert [each["items"][0]["item_id"] for each in regions] == ["i1", "i2"]


def test_a_box_that_could_not_be_looked_at_is_named_beside_what_the_others_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clear = Region(box=BOX, items=[], refused="blank: all of it\x1b is clear")
    found = answer([clear, Region(box=BOX, items=[item_of("i2")])])
    _print(ASKED, found, False)
    printed = capsys.readouterr()
    assert (printed.out.count("in 0.25,0,0.5,1"), "blank: all of it" in printed.err) == (1, True)
    assert "\x1b" not in printed.err
    _print(ASKED, found, True)
    regions = json.loads(capsys.readouterr().out)["regions"]
    assert [each.get("refused", "no")[:6] for each in regions] == ["blank:", "no"]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (answer([Region(items=[])]), "no part of it stands out"),
        (answer([Region(items=[])], degraded=("salience",)), "sightline export-model"),
        (answer([Region(box=BOX, items=[])]), ""),
    ],
)
def test_a_search_by_the_whole_picture_says_why(
    found: Recommendations, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say_where(found)
    assert says in capsys.readouterr().err
