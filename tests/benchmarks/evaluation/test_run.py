"""Logs whose right answers are known."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.evaluation.log import Event, Log, UnreadableLog, in_order
from benchmarks.evaluation.protocols import Protocol, steps_of
from benchmarks.evaluation.readers import read_log
from benchmarks.evaluation.replayed_world import ReplayedWorld
from benchmarks.evaluation.run import Replay, evaluate
from inference.ranking.lessons import Lesson
from streams.learning.learner import Learner
from streams.settings import Settings
from tests.harness.sequences import next_of

HOUR_MS = 3_600_000
MOVIELENS = Path(__file__).parents[4] / "shared" / "data" / "movielens"


def checkerboard(users: int, items: int, seed: int = 1) -> Log:
    """Users of even numbers take all even items in a random order, and those of odd numbers all odd items."""
    steps = [(user, item) for user in range(users) for item in range(items) if user % 2 == item % 2]
    shuffled = in_order([Event(f"u{user}", f"i{item}", "click", 0) for user, item in steps], seed)
    return Log([Event(each.user, each.item, "click", place * 1000) for place, each in enumerate(shuffled)])


def figures(log: Log, protocol: Protocol = "prequential", tail: Sequence[Event] = ()) -> dict[str, Any]:
    return evaluate(Settings(dimensions=16), log, protocol, tail=tail, seed=1)


def without_times(found: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in found.items() if not name.startswith("us_")})


def test_what_follows_from_others_is_found_by_behaviour_and_not_by_looks() -> None:
    found = figures(checkerboard(40, 60))
    baselines = found["baselines"]
    # Half of all items are right for a user; ten of the up to thirty that are left hold the next one.
    assert baselines["item_knn"]["hit_at_10"] > 1.4 * baselines["popular"]["hit_at_10"]
    assert baselines["ease"]["hit_at_10"] > 1.4 * baselines["popular"]["hit_at_10"]
    assert found["hit_at_10"] > baselines["visual_only"]["hit_at_10"]
    assert found["ratio_item_knn"] == pytest.approx(found["hit_at_10"] / baselines["item_knn"]["hit_at_10"], abs=1e-4)


def test_no_lesson_is_made_of_an_item_that_the_log_names_for_the_first_time() -> None:
    once = Log([Event(f"u{n % 4}", f"i{n}", "click", n * 1000) for n in range(80)])
    again = Log([*once.events, *(Event(f"u{n % 3}", f"i{n}", "click", 100_000 + n * 1000) for n in range(80))])
    learned = []
    for log in (once, again):
        learner = Learner()
        world = ReplayedWorld(Settings(dimensions=16), log, length=10, seed=1, learner=learner)
        for event in log.events:
            world.learn(event)
        learned.append(learner.progress.admitted)
    assert learned[0] == 0 < learned[1]


def test_what_was_passed_over_in_a_list_is_among_the_others_of_a_lesson() -> None:
    known = [Event(f"u{n % 4}", f"i{n}", "click", n * 1000) for n in range(20)]
    views = [Event("v", f"i{n}", "view", 50_000 + n, rec_id="0-1") for n in range(10)]
    sizes = []
    for rec_id in ("0-1", None):
        learner = Heard()
        world = ReplayedWorld(Settings(dimensions=16), Log([]), length=10, seed=1, learner=learner)
        for event in (*known, *views, Event("v", "i3", "click", 60_000, rec_id=rec_id)):
            world.learn(event)
        sizes.append(learner.others)
    assert sizes == [19, 10]


class Heard(Learner):
    """A learner that remembers how many others its last lesson had."""

    others = 0

    def learn(self, lesson: Lesson) -> None:
        self.others = len(lesson.features) - 1
        super().learn(lesson)


def test_the_same_log_and_seed_give_the_same_bytes() -> None:
    log = checkerboard(20, 40)
    assert without_times(figures(log)) == without_times(figures(log))


def test_lists_with_factors_are_other_lists_and_the_same_in_each_run() -> None:
    log = checkerboard(20, 40)
    without, *with_factors = (
        evaluate(Settings(dimensions=16, learning="off"), log, "prequential", seed=1, factors=factors)
        for factors in (False, True, True)
    )
    assert without_times(with_factors[0]) == without_times(with_factors[1]) != without_times(without)
    # Those of the two groups are found by both, so the lists are as good.
    assert with_factors[0]["hit_at_10"] > 0.9 * without["hit_at_10"]


def test_factors_are_left_out_while_nobody_has_a_choice_that_stands() -> None:
    events = [Event("u", "i", "click", 1), Event("u", "i", "hide", 2), Event("v", "j", "click", 3)]
    assert evaluate(Settings(dimensions=16), Log(events * 3), "prequential", seed=1, factors=True)["questions"] > 0


@pytest.mark.parametrize("protocol", ["prequential", "leave-last", "time-split"])
def test_each_protocol_gives_all_figures(protocol: Protocol) -> None:
    found = figures(checkerboard(10, 20), protocol)
    assert 0 < found["hit_at_20"] <= 1
    assert found["hit_at_5"] <= found["hit_at_10"] <= found["hit_at_20"]
    assert {"recall_at_10", "precision_at_10", "f1_at_10", "ndcg_at_10", "mrr", "coverage", "novelty"} <= found.keys()
    assert found["us_per_event"] > 0 < found["us_per_list"]


def test_a_tail_is_predicted_after_the_whole_log_and_learned() -> None:
    log = checkerboard(10, 20)
    at_ms = log.events[-1].at_ms + HOUR_MS
    tail = [Event("new", "i0", "click", at_ms), Event("new", "i2", "click", at_ms + 1000)]
    found = figures(log, tail=tail)["tail"]
    assert found["events"] == 2
    assert found["first_hit_at_10"] in (0.0, 1.0)
    assert found["baselines"]["item_knn"]["hit_at_10"] >= 0.5


@pytest.mark.parametrize(
    "events",
    [
        [Event("u", "i", "click", 5)],
        [Event("u", f"i{number}", "click", 5) for number in range(30)],
        [Event(f"u{number}", "i", "click", 5 + number) for number in range(30)],
        [Event("u", "i", "dislike", 5)] * 3,
    ],
    ids=["one event", "one user and all times equal", "one item", "refusals alone"],
)
def test_an_odd_log_has_figures_too(events: list[Event]) -> None:
    assert figures(Log(events))["events"] == len(events)


def test_a_log_of_twenty_years_backwards_is_replayed_forwards() -> None:
    events = list(checkerboard(6, 12).events)
    far = [Event(each.user, each.item, "click", -each.at_ms * 20_000) for each in events]
    assert figures(Log(in_order(far, 1)))["questions"] > 0


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(UnreadableLog, match="no event"):
        figures(Log([]))


def test_the_ranker_learns_only_where_the_setting_says_so() -> None:
    log = checkerboard(10, 20)
    learning, off = (Replay(Settings(dimensions=16, learning=mode), log, (), 1, print) for mode in ("on", "off"))
    for each in (learning, off):
        each.run(steps_of(log.events, "prequential"), len(log.events))
    assert learning.learner is not None
    assert learning.learner.progress.admitted > 0
    assert off.learner is None


@pytest.mark.skipif(not MOVIELENS.exists(), reason="the MovieLens data are not here")
def test_the_first_events_of_movielens_are_judged() -> None:
    log = read_log(MOVIELENS, seed=1)
    found = figures(Log(log.events[:2000], log.categories))
    assert found["baselines"]["item_knn"]["hit_at_10"] > 0.1
    assert found["diversity"] is not None


def test_lists_follow_a_sequence_model_from_the_first_event_on_that_it_did_not_learn() -> None:
    log, model = checkerboard(10, 20), next_of(**{f"i{item}": f"i{(item + 2) % 20}" for item in range(20)})
    without, learned_all, learned_none = (
        evaluate(Settings(dimensions=16, learning="off"), log, "prequential", seed=1, sequence=each)
        for each in (None, replace(model, until_ms=log.events[-1].at_ms), model)
    )
    assert without_times(learned_all) == without_times(without) != without_times(learned_none)
