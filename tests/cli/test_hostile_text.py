"""What strangers wrote, through every door by which the commands show it: shown, never obeyed."""

import ast
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from html import escape
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks.world.shoppers import Product, Shopper, Taste
from cli.dead_letters import browse
from cli.demo.page import render_page
from cli.demo.sheet import render_sheet
from cli.demo.story import Figure, Story, chapter
from cli.events import tail
from cli.items import import_folder, trends
from cli.items.journal import Journal
from cli.items.picture_folder import Survey
from cli.items.search import similar
from cli.main import app
from cli.operate import doctor, stack, topics, verify
from cli.output import print_error, print_json, progress
from cli.user import explained, profile, requests
from deploy.local import ServiceStatus
from features.printable import printable
from features.recommendation import Reason
from inference.explain.explanation import (
    Answer,
    Explanation,
    ItemExplanation,
    Likeness,
    Obstacle,
    Score,
    SignalPart,
    Slot,
    Standing,
    Verdict,
)
from sightline_client.trends import Rising, Trends
from streams.processing.redrive import Found
from streams.replay.report import Difference, Report
from streams.wire.events import DeadLetter, Only, PlaceInLog, Receipt, Recommendations, RecommendedItem, Trigger
from streams.wire.promises import Broken
from tests.harness.paths import ROOT

# Coverage is not measured of commands; the tracer would double the time of thousands of examples.
pytestmark = pytest.mark.no_cover

HOSTILE = [
    "[/red]",
    "[bold red]x[/]",
    "[link=file:///]x[/link]",
    ":skull:",
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\u202egnp.exe",
    "a\u2066b\u200d\ufeff",
    "two\nlines",
    "over\rwritten",
    "nul\0",
    "👟👩\u200d👧",
    "x" * 10_240,
    "\x1b" * 10_240,
    "\ud800",
    "<script>alert(1)</script>",
    "$figures ${title} %s {0}",
    "\\x1b[31m",
    "",
    " ",
]
Door = Callable[[str], object]
_ASKED = similar.Asked(Path("a.jpg"), None, Only(), None, (), 5)


def list_of(text: str) -> Recommendations:
    reason = Reason(code="same_category", category=text, strength=0.5)
    looks = Reason(code="looks_like", item_id=text, similarity=0.5)
    slot = RecommendedItem(item_id=text, score=1.0, source=text, explore=True, reasons=[reason, looks])
    return Recommendations(
        rec_id=text,
        user_id=text,
        seq=1,
        kind="feed",
        generated_at_ms=0,
        trigger=Trigger(event_id=text, type=text, item_id=text, occurred_at_ms=0),
        items=[slot],
        filtered={},
        degraded=[text],
        model={},
        timings_ms={},
    )


def letter_of(text: str) -> Found:
    raw = text.encode(errors="surrogatepass")
    letter = DeadLetter(
        reason=text,
        error=f"the key is {text}",
        topic=text,
        partition=0,
        offset=0,
        timestamp_ms=0,
        attempts=1,
        key=raw,
        value=raw,
        headers=[(text, raw)],
    )
    return Found(0, 0, 0, letter)


def profile_of(text: str) -> profile.Shown:
    entries = [profile.Entry(text, 1.0, "2026-01-01")]
    return profile.Shown(
        text,
        0,
        0,
        1,
        None,
        entries,
        entries,
        0,
        0,
        [profile.Interest(1.0, text, [text], [text])],
        {text: 1.0},
        {text: -1.0},
    )


def explained_of(text: str, verdict: Verdict | None) -> Explanation:
    score = Score(1.0, [SignalPart("same_category", 1.0, 1.0, 1.0)], 0.0)
    slot = Slot(1, list_of(text).items[0], [text], score)
    obstacles = [Obstacle("never", named_by="category", name=text)]
    item = ItemExplanation(
        text,
        verdict or "in_list",
        obstacles=obstacles,
        sources=[Answer(text, "same_picture", 1, item_id=text)],
        repeats=Likeness(1, text, 0.9, 0.3),
        standing=Standing(1, 1, 1, score, slot),
    )
    return Explanation(True, True, {"encoder": text, "ranker": text}, [slot], 1, {text: 1}, item if verdict else None)


def explain_item(text: str, verdict: Verdict) -> None:
    found = explained_of(text, verdict)
    assert found.item is not None
    explained.print_item(text, found, found.item)


def import_of(text: str) -> import_folder.Import:
    return import_folder.Import(Journal(Path("none")), text, lambda: None, refused={text: text})


def receipt_of(text: str) -> Receipt:
    place = PlaceInLog(0, 0)
    return Receipt(user_hash=text, type="forget", request=place, applied=place, asked_ms=0, done_ms=0, erased={text: 1})


def trends_of(text: str) -> Trends:
    return Trends(kind="looks", at_ms=0, rising=[Rising(name=text, lift=2.0, share=0.5, items=[text])])


def service(text: str) -> ServiceStatus:
    return ServiceStatus("kafka", "unhealthy", None, text, text, None, Path(f"/{text}/log"), text, text)


#: Everything that commands print of texts that are not ours.
DOORS: dict[str, Door] = {
    "user show": lambda text: profile._print(profile_of(text)),
    "user show, unknown": lambda text: profile._print(profile.Shown(text, 0, 0, 0, None, [], [], 0, 0, [], {}, {})),
    "user explain": lambda text: explained.print_list(text, explained_of(text, None)),
    "user explain, below": lambda text: explain_item(text, "below_last_slot"),
    "user explain, copy": lambda text: explain_item(text, "copy"),
    "user forget": lambda text: requests._print_receipt(text, receipt_of(text)),
    "user forget --verify": lambda text: requests._print_traces(text, [text]),
    "tail": lambda text: tail._show(list_of(text), False),
    "similar": lambda text: similar._print(_ASKED, list_of(text), False),
    "trends": lambda text: trends._print([trends_of(text)]),
    "items import": lambda text: import_folder._report(import_of(text), Survey([], {text: text}), 1.0, False),
    "dead-letters list": lambda text: browse._print_summary(browse._summary(letter_of(text), retried=False)),
    "dead-letters show": lambda text: browse._print_letter(letter_of(text), retried=False),
    "doctor": lambda text: doctor._print([doctor.Finding(text, "wrong", text, text)]),
    "verify": lambda text: verify._print(Report(1, incomplete=[text], differences=[Difference("item", text, text)])),
    "topics check": lambda text: topics._print_differences([Broken(text, "missing", text)]),
    "status": lambda text: stack._print_table([service(text)]),
    "progress": progress,
    "an error": lambda text: print_error(repr(text)),
}
#: The same with --json.
JSON_DOORS: dict[str, Door] = {
    "tail": lambda text: tail._show(list_of(text), True),
    "similar": lambda text: similar._print(_ASKED, list_of(text), True),
    "items import": lambda text: import_folder._report(import_of(text), Survey([], {text: text}), 1.0, True),
    "any": lambda text: print_json({"text": text}),
}
TEXTS = st.sampled_from(HOSTILE) | st.text(st.characters(), max_size=30)


def printed_by(door: Door, text: str) -> str:
    out = StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        door(text)
    return out.getvalue()


@pytest.fixture(autouse=True, scope="module")
def wide() -> Iterator[None]:
    """Tables as wide as they want to be, so that no text is broken into lines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "60000")
        yield


@pytest.mark.parametrize("name", DOORS)
@settings(max_examples=60)
@given(text=TEXTS)
@example(text="two\nlines")
@example(text="[/red]")
@example(text="\x1b" * 10_240)
def test_what_strangers_wrote_is_shown_and_not_obeyed(name: str, text: str) -> None:
    printed = printed_by(DOORS[name], text)
    printed.encode()
    assert all(line.isprintable() for line in printed.split("\n"))
    assert "\nlines" not in printed
    assert len(printed) < 500_000


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("text", ["[/red]", "[bold red]x[/]", ":skull:", "%s {0}"])
def test_what_looks_like_markup_is_shown_as_it_is(name: str, text: str) -> None:
    assert text in printed_by(DOORS[name], text)


@pytest.mark.parametrize("name", JSON_DOORS)
@settings(max_examples=60)
@given(text=TEXTS)
@example(text="\ud800")
def test_json_is_exact_and_one_line_of_ascii(name: str, text: str) -> None:
    printed = printed_by(JSON_DOORS[name], text)
    assert printed.isascii()
    assert printed.count("\n") == 1
    assert printed[:-1].isprintable()
    assert json.dumps(text) in printed
    json.loads(printed)


@settings(max_examples=30)
@given(text=TEXTS)
@example(text="-\u05c8")
@example(text="--\u202e")
def test_a_usage_error_quotes_words_printably(text: str) -> None:
    for words in ([text], ["user", text], ["dead-letters", "list", "--since", text], ["worker", text]):
        told = CliRunner().invoke(app, words).output
        assert all(line.isprintable() for line in told.split("\n"))


@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_the_page_and_the_picture_show_it_too(text: str) -> None:
    shopper = Shopper("u1", "Ada", Taste((text,)))
    told = chapter(shopper, [text, "gone" + text], list_of(text).items, {text: Product(text, text, text)})
    page = render_page(story := Story((Figure("1", "ms", text),), (told,), text), {})
    assert "<script>" not in page
    assert escape(printable(text, 200)) in page or not text.strip()
    assert all(line.isprintable() for line in page.split("\n"))
    assert render_sheet(story, {}).width == 1440


def test_no_command_makes_text_past_the_safe_console() -> None:
    for path in (ROOT / "cli").rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names = {getattr(call, "id", getattr(call, "attr", "")) for call in calls}
        allowed = {"Text", "Console", "from_markup"} if path.name == "console.py" else set()
        assert names & {"Text", "Console", "from_markup", "print_exception"} <= allowed, path
