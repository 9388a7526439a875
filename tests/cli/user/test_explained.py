"""Explanations as people read them."""

from typing import get_args

import pytest

from cli.user.explained import print_item, print_list
from cli.user.why import answer_in_words, obstacle_in_words, verdict_in_words
from features.recommendation import Reason, RecommendedItem
from inference.explain.explanation import (
    Answer,
    AnswerCode,
    Explanation,
    ItemExplanation,
    Likeness,
    Obstacle,
    ObstacleCode,
    Score,
    SignalPart,
    Slot,
    Standing,
    Verdict,
)

SCORE = Score(1.25, [SignalPart("looks_like", 1.0, 1.0, 0.8), SignalPart("same_category", 0.625, 0.25, 0.2)], 0.0)
LOWER = Score(0.5, [SignalPart("looks_like", 0.7, 0.7, 1.4)], -0.2)
ITEM = RecommendedItem(
    item_id="red-1",
    score=1.25,
    source="visual",
    explore=False,
    reasons=[Reason(code="looks_like", item_id="red-0", similarity=1.0)],
)
SLOT = Slot(1, ITEM, ["visual", "fresh"], SCORE)


def of(item: ItemExplanation | None, *, known: bool = True, opted_out: bool = False) -> Explanation:
    model = {"encoder": "fake@1", "ranker": "weighted@2"}
    return Explanation(known, opted_out, model, [SLOT], 12, {"seen": 3}, item)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_a_slot_shows_its_sources_the_shares_of_its_signals_and_its_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    print_list("u1", of(None))
    shown = capsys.readouterr().out

    for words in ("visual, fresh", "looks_like 80%, same_category 20%", "looks like red-0 (1.00)", "1.250"):
        assert words in shown
    assert "12 candidates · taken out: 3 seen · weighted@2 · fake@1" in shown


def test_who_is_unknown_or_opted_out_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    print_list("u1", of(None, known=False))
    print_list("u2", of(None, known=False, opted_out=True))
    shown = capsys.readouterr().out

    assert "user 'u1' is unknown: nothing is stored; the list has what is trending, popular and new" in shown
    assert "user 'u2' opted out, and no profile is kept; the list has" in shown


def test_an_item_below_the_last_slot_stands_beside_it_signal_by_signal(capsys: pytest.CaptureFixture[str]) -> None:
    standing = Standing(10, 12, 12, LOWER, SLOT)
    item = ItemExplanation("red-9", "below_last_slot", sources=[Answer("visual", "proposed", 8)], standing=standing)
    print_item("u1", of(item), item)
    shown = capsys.readouterr().out

    assert "'red-9' is not in the list because others score higher: rank 10 of 12, score 0.5000; slot 1" in shown
    assert "  visual: proposes it\n" in shown
    lines = {line.split("│")[1].strip(): line.split("│")[2:] for line in shown.splitlines() if line.count("│") > 5}
    cells = {name: [each.strip() for each in line] for name, line in lines.items()}
    assert cells["looks_like"][:5] == ["0.7000", "1", "+0.7000", "140.0%", "+1.0000"]
    assert cells["same_category"][:5] == ["", "", "", "", "+0.2500"]
    assert cells["others"][2:5] == ["-0.2000", "", "+0.0000"]
    assert cells["score"][2:5] == ["0.5000", "", "1.2500"]


def test_an_item_of_the_list_shows_its_score(capsys: pytest.CaptureFixture[str]) -> None:
    item = ItemExplanation("red-1", "in_list", slot=1)
    print_item("u1", of(item), item)
    shown = capsys.readouterr().out

    assert shown.startswith("'red-1' is in slot 1\n  because: looks like red-0 (1.00)\n")


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_every_verdict_has_words(verdict: Verdict) -> None:
    repeats = Likeness(1, "red-1", 0.95, 0.35)

    assert "None" not in verdict_in_words(
        ItemExplanation("i", verdict, slot=2, repeats=repeats, standing=Standing(9, 9, 9, LOWER, SLOT))
    )


@pytest.mark.parametrize("code", get_args(ObstacleCode))
def test_every_obstacle_has_words(code: ObstacleCode) -> None:
    assert "None" not in obstacle_in_words(Obstacle(code, at_ms=0, named_by="category", name="hats", long_ago=True))


@pytest.mark.parametrize("code", get_args(AnswerCode))
def test_every_answer_has_words(code: AnswerCode) -> None:
    numbers = {"similarity": 0.5, "strength": 0.4, "weakest": 0.7}
    answer = Answer("visual", code, 8, **numbers, rank=9, latest=5, known=2, item_id="red-1", rule="r", seen=3)

    assert "None" not in answer_in_words(answer)


def test_what_only_the_shop_promotes_has_no_slot_by_its_cap_or_by_others() -> None:
    enough = Answer("promoted", "seen_enough", 4, rule="blue-week", seen=3)

    assert verdict_in_words(ItemExplanation("i", "no_promotion_slot", sources=[enough])) == (
        "is not in the list because only the shop promotes it, and the user saw 3 items of the rule blue-week today "
        "(UTC): its cap by user and day is reached"
    )
    assert "other items have the slots" in verdict_in_words(ItemExplanation("i", "no_promotion_slot"))
