import pytest

from benchmarks.evaluation.log import Event, Log
from benchmarks.evaluation.whatif.differences import differences
from benchmarks.evaluation.whatif.replay import replay
from benchmarks.evaluation.whatif.version import Version
from inference.ranking.model import RankerModel
from inference.ranking.weights import CHOSEN_AFTER
from streams.settings import Settings

SETTINGS = Settings(dimensions=16)


def two_camps(users: int = 20, steps: int = 12) -> Log:
    """Even users click even items in turn, and odd users odd ones."""
    events = [
        Event(f"u{user}", f"i{2 * ((step + user) % 20) + user % 2}", "click", 1_000 * (step * users + user + 1))
        for step in range(steps)
        for user in range(users)
    ]
    return Log(events)


def without_co_choices() -> RankerModel:
    model = RankerModel()
    model.hand[:] = 0
    model.hand[CHOSEN_AFTER] = -1.5
    return model


def test_a_version_beside_itself_gives_the_same_lists() -> None:
    served = Version("hand", SETTINGS)
    found = differences(replay(two_camps(), 121_000, (served, served), most=1_000, seed=1), 1)
    assert (found["lists_differ"], found["overlap_at_10"]) == (0, 1)
    assert all(each == {"value": 0, "low": 0, "high": 0} for each in found["differences"].values())
    assert found["served"] == found["other"]
    assert found["lists"] == 120


def test_a_worse_ranker_is_found_to_be_worse() -> None:
    versions = (Version("hand", SETTINGS), Version("bad", SETTINGS, without_co_choices()))
    found = differences(replay(two_camps(), 121_000, versions, most=1_000, seed=1), 1)
    assert found["lists_differ"] > 0.9
    assert found["differences"]["hit_at_10"]["high"] < 0
    difference = found["other"]["hit_at_10"] - found["served"]["hit_at_10"]
    assert found["differences"]["hit_at_10"]["value"] == pytest.approx(difference, abs=1e-5)


def test_other_settings_have_a_state_of_their_own() -> None:
    # Without recent steps lists follow others by links alone.
    linked, unlinked = (Settings(dimensions=16, recent_steps=0, link_window=window) for window in (5, 0))
    versions = (Version("hand", linked), Version("unlinked", unlinked))
    found = differences(replay(two_camps(), 121_000, versions, most=1_000, seed=1), 1)
    assert found["differences"]["hit_at_10"]["high"] < 0


def test_no_more_lists_than_asked_for_and_none_before_the_start() -> None:
    log, served = two_camps(), Version("hand", SETTINGS)
    assert len(replay(log, 0, (served, served), most=7, seed=1).users) == 7
    last = log.events[-1]
    assert replay(log, last.at_ms, (served, served), most=7, seed=1).users == [last.user]
