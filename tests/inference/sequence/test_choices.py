import numpy as np

from benchmarks.evaluation.log import Event, Log
from features.item import key_of
from inference.sequence.choices import histories_of
from inference.sequence.histories import Histories
from tests.harness.catalog import DIMENSIONS, item, vector

CLICKS = [("u1", "red-0"), ("u2", "blue-0"), ("u1", "blue-0"), ("u1", "red-0"), ("u2", "red-1")]


def log_of(*pairs: tuple[str, str], **facts: object) -> Log:
    events = [Event(user, name, "click", at_ms) for at_ms, (user, name) in enumerate(pairs)]
    return Log(events, **facts)  # type: ignore[arg-type]  # literal values of the tests


def learned(log: Log) -> Histories:
    return histories_of(log.choices(), log.items, log.categories, DIMENSIONS)


def test_choices_are_in_order_of_time_and_each_once() -> None:
    found = learned(log_of(*CLICKS))

    assert list(zip(found.users.tolist(), found.items.tolist(), strict=True)) == [(0, 0), (1, 1), (0, 1), (1, 2)]
    assert found.keys.tolist() == [key_of(name) for name in ("red-0", "blue-0", "red-1")]
    assert found.until_ms == 4


def test_what_was_refused_or_only_shown_is_no_choice() -> None:
    events = [Event("u1", "red-0", "hide", 0), Event("u1", "red-1", "view", 1), Event("u1", "red-2", "like", 2)]
    assert learned(Log(events)).keys.tolist() == [key_of("red-2")]


def test_categories_are_those_of_the_log() -> None:
    found = learned(log_of(*CLICKS, categories={"red-0": "shoes", "red-1": "bags"}))
    assert (found.category_names, found.categories.tolist()) == (("bags", "shoes"), [1, -1, 0])


def test_pictures_are_those_by_the_encoder_of_most_items() -> None:
    items = {"red-0": item("red-0"), "blue-0": item("blue-0"), "red-1": item("red-1", encoder="other@1")}
    found = learned(log_of(*CLICKS, items=items))

    assert found.encoder == "fake@1"
    assert found.pictures[0].tolist() == vector("red-0").astype(np.float16).tolist()
    assert not found.pictures[2].any()


def test_a_log_without_pictures_has_none() -> None:
    found = learned(log_of(*CLICKS))
    assert (found.encoder, found.pictures.shape) == (None, (3, 0))


def test_an_empty_log_has_no_choices() -> None:
    assert learned(Log([])).users.tolist() == []


def test_all_times_may_be_equal() -> None:
    events = [Event("u1", f"red-{number}", "click", 7) for number in range(3)]
    assert learned(Log(events)).items.tolist() == [0, 1, 2]
