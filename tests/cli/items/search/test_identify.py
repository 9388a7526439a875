"""From the articles nearest to a part of a photo to the one that it shows, or to none, and how often each is shown."""

import csv
from contextlib import nullcontext
from pathlib import Path

import pytest
from PIL import Image
from typer import Exit
from typer.testing import CliRunner

from cli.items.search.identify import (
    Counted,
    Identified,
    _identified,
    _print,
    counted,
    identified,
    identify_photos,
    write_counts,
)
from cli.items.search.similar import NoAnswer, QueryRefused
from cli.main import app
from deploy.local import Endpoints
from inference.identity import CALIBRATED
from sightline_client.events import Box, Upload
from streams.wire.events import Only, Recommendations, Region
from tests.harness.answers import answer, item_of

ENDPOINTS = Endpoints("kafka", "redis", "triton", None)
BOX = Box(x=0.5, y=0, width=0.5, height=1)


def answer_of(query: Upload, region: Region, *, encoder: str = CALIBRATED, is_whole: bool = False) -> Recommendations:
    return answer([region], event_id=query.event_id, encoder=encoder, is_whole=is_whole)


def query(photo: str) -> tuple[Path, Upload]:
    event = Upload(event_id="q", item_id="q", user_id="q", occurred_at_ms=0, image_ref=photo, purpose="query")
    return Path(photo), event


SURE = Region(box=BOX, items=[item_of("milk", 0.95), item_of("juice", 0.4)])
TORN = Region(box=BOX, items=[item_of("milk", 0.6), item_of("juice", 0.599)])


def test_an_article_far_before_the_second_is_named() -> None:
    found = identified("a.jpg", SURE, 0.7)
    assert (found.item_id, found.nearest, found.box) == ("milk", "milk", "0.5,0,0.5,1")
    assert found.certainty > 0.9


def test_of_two_articles_alike_none_is_named_and_the_nearest_is_said() -> None:
    found = identified("a.jpg", TORN, 0.7)
    assert (found.item_id, found.nearest) == (None, "milk")
    assert found.certainty < 0.7
    assert identified("a.jpg", TORN, 0.0).item_id == "milk"


def test_the_lead_over_the_second_makes_it_more_certain() -> None:
    near, far = (Region(items=[item_of("milk", 0.8), item_of("juice", second)]) for second in (0.75, 0.4))
    assert identified("a.jpg", far, 0.7).certainty > identified("a.jpg", near, 0.7).certainty


def test_an_only_article_leads_nobody() -> None:
    alone = identified("a.jpg", Region(items=[item_of("milk", 0.8)]), 0.7).certainty
    assert alone == identified("a.jpg", Region(items=[item_of("milk", 0.8), item_of("juice", 0.8)]), 0.7).certainty


def test_without_any_article_all_is_unknown() -> None:
    assert identified("a.jpg", Region(items=[]), 0.0) == Identified("a.jpg", None, None, 0.0, None)


def test_parts_are_counted_by_article_and_the_unknown_last() -> None:
    parts = [("a.jpg", None), ("a.jpg", "milk"), ("a.jpg", "milk"), ("b.jpg", "milk"), ("b.jpg", "juice")]
    found = [Identified(photo, None, name, 0.8 if name else 0.2, "milk") for photo, name in parts]
    assert counted(found) == [Counted("milk", 3, 2, 0.8), Counted("juice", 1, 1, 0.8), Counted(None, 1, 1, 0.2)]
    assert counted([]) == []


def test_the_csv_has_a_row_for_each_article(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    write_counts(path, [Counted('6" pan, red', 2, 1, 0.9), Counted("=1+1", 1, 1, 0.8), Counted(None, 1, 1, 0.1)])
    rows = list(csv.reader(path.read_text().splitlines()))
    assert rows == [
        ["item_id", "parts", "photos", "certainty"],
        ['6" pan, red', "2", "1", "0.9"],
        ["'=1+1", "1", "1", "0.8"],
        ["", "1", "1", "0.1"],
    ]


def test_a_refused_photo_is_named_and_the_others_go_on() -> None:
    refused: dict[str, str] = {}

    def answer_to(asked: Upload) -> Recommendations:
        if asked.image_ref == "bad.jpg":
            raise QueryRefused("bad_image: it is empty")
        return answer_of(asked, SURE)

    found = list(_identified(map(query, ["a.jpg", "bad.jpg", "b.jpg"]), answer_to, 0.7, refused))
    assert [each.photo for each in found] == ["a.jpg", "b.jpg"]
    assert refused == {"bad.jpg": "bad_image: it is empty"}


def test_a_part_that_could_not_be_looked_at_is_named_and_shows_nothing_unknown() -> None:
    refused: dict[str, str] = {}
    small, clear = (Region(box=BOX, items=[], refused=why) for why in ("box: it is small", "blank: it is"))
    parts = [small, SURE, clear]
    found = list(_identified([query("a.jpg")], lambda asked: answer(parts, event_id=asked.event_id), 0.7, refused))
    assert ([each.item_id for each in found], refused) == (["milk"], {"a.jpg": "box: it is small; blank: it is"})


def test_a_photo_without_an_answer_in_time_is_named_and_the_others_go_on() -> None:
    refused: dict[str, str] = {}

    def answer_to(asked: Upload) -> Recommendations:
        if asked.image_ref != "b.jpg":
            raise NoAnswer("no worker answered")
        return answer_of(asked, SURE)

    found = list(_identified(map(query, ["a.jpg", "b.jpg"]), answer_to, 0.7, refused))
    assert ([each.photo for each in found], refused) == (["b.jpg"], {"a.jpg": "no worker answered"})
    with pytest.raises(NoAnswer):
        list(_identified([query("a.jpg")], answer_to, 0.7, {}))


def test_each_query_has_an_id_of_its_own() -> None:
    asked: list[str] = []

    def answer_to(each: Upload) -> Recommendations:
        asked.append(each.event_id)
        return answer_of(each, SURE)

    assert len(list(_identified(map(query, ["a.jpg", "b.jpg"]), answer_to, 0.7, {}))) == 2
    assert len(set(asked)) == 2


def test_a_photo_without_boxes_is_one_part() -> None:
    (found,) = _identified([query("a.jpg")], lambda asked: answer_of(asked, SURE, is_whole=True), 0.7, {})
    assert (found.box, found.item_id) == (None, "milk")


def test_vectors_that_are_not_calibrated_are_said_to_be_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    queries = map(query, ["a.jpg", "b.jpg"])
    list(_identified(queries, lambda asked: answer_of(asked, SURE, encoder="resnet@1"), 0.7, {}))
    assert capsys.readouterr().err.count("these vectors are of resnet@1") == 1


@pytest.mark.parametrize(("columns", "is_whole"), [(80, True), (60, False)])
def test_an_id_stands_in_one_line_where_the_terminal_has_room(
    columns: int, is_whole: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    ids = ["shirts-red-checks-0120", "shirts-charcoal-checks-0240"]
    path, box = "/home/somebody/pictures/of/shelves/shelf-1.jpg", "0.1429,0.1429,0.6786,0.6786"
    found = [Identified(path, box, ids[0], 0.9, ids[0]), Identified(path, None, None, 0.3, ids[1])]
    _print(found, counted(found))
    parts, _, _ = capsys.readouterr().out.partition("└")
    assert all((each in parts) == is_whole for each in ids)
    assert parts.count("unknown") == 1
    articles = "".join(line.split("│")[3].strip() for line in parts.splitlines() if line.startswith("│"))
    assert articles == "".join(ids)


def test_where_nothing_could_be_looked_at_the_exit_code_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, table = tmp_path / "a.jpg", tmp_path / "counts.csv"
    Image.new("RGB", (64, 64)).save(photo)

    def answer_to(_: Upload) -> Recommendations:
        raise QueryRefused("bad_image: box: it is small")

    monkeypatch.setattr("cli.items.search.identify.running_system", lambda _: nullcontext(ENDPOINTS))
    monkeypatch.setattr("cli.items.search.identify.asking", lambda *_, **__: nullcontext(answer_to))
    with pytest.raises(Exit) as ended:
        identify_photos([photo], [], Only(), 0.7, table, 1.0, False)
    said = capsys.readouterr()
    assert (ended.value.exit_code, said.out) == (2, "")
    assert f"{photo}: bad_image: box: it is small" in " ".join(said.err.split())
    assert not table.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["no-such.jpg"], "does not exist"),
        ([__file__, "--least", "2"], "less than or equal to 1"),
        ([__file__, "--least", "nan"], "less than or equal to 1"),
        ([__file__], "convert the picture"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_identified_is_refused_before_anything_starts(words: list[str], says: str) -> None:
    refused = CliRunner().invoke(app, ["items", "identify", *words])
    assert refused.exit_code == 2
    assert says in " ".join(refused.output.replace("│", " ").split())
