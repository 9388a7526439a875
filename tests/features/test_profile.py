import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.item import key_of
from features.profile import (
    ENGAGED_LIMIT,
    EVENTS_LIMIT,
    NEW,
    REFUSED_LIMIT,
    SEEN_LIMIT,
    WEIGHTS,
    Action,
    Profile,
    apply_interaction,
    weigh,
)
from tests.harness.catalog import DAY, NOW, act, profile_of

actions = st.builds(
    Action,
    event=st.integers(0, 30),
    item=st.integers(0, 2**64 - 1) | st.integers(0, 8),
    weight=st.sampled_from([-3.0, -2.0, 0.0, 0.2, 1.0, 3.0]),
    at_ms=st.integers(NOW - 7 * DAY, NOW),
)


def same(one: Profile, other: Profile) -> bool:
    arrays = ("engaged", "refused", "seen", "events")
    return (one.count, one.last_at_ms) == (other.count, other.last_at_ms) and all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in arrays
    )


# Weights


@pytest.mark.parametrize(("kind", "weight"), WEIGHTS.items())
def test_a_kind_has_its_weight(kind: str, weight: float) -> None:
    assert weigh(kind) == weight


@pytest.mark.parametrize(("stars", "weight"), [(1, -2.0), (2, -1.0), (3, 0.0), (4, 1.0), (5, 2.0), (None, 0.0)])
def test_three_stars_say_nothing(stars: float | None, weight: float) -> None:
    assert weigh("rate", rating=stars) == weight


@pytest.mark.parametrize(("dwell_ms", "weight"), [(0, 0.1), (30_000, 0.5), (60_000, 1.0), (3_600_000, 1.0)])
def test_a_view_is_worth_its_minutes_up_to_one(dwell_ms: int, weight: float) -> None:
    assert weigh("view", dwell_ms=dwell_ms) == weight


# The effect on the profile


def test_a_click_is_remembered_as_engaged_and_seen() -> None:
    profile = profile_of(act("red-1", 1.0))

    assert profile.engaged.tolist() == [(key_of("red-1"), 1.0, NOW // 1000)]
    assert profile.seen.tolist() == [key_of("red-1") & 0xFFFF_FFFF]
    assert (profile.count, profile.last_at_ms) == (1, NOW)


def test_a_hide_is_remembered_as_refused() -> None:
    profile = profile_of(act("red-1", -3.0))

    assert profile.refused.tolist() == [(key_of("red-1"), 3.0, NOW // 1000)]
    assert len(profile.engaged) == 0


def test_a_hide_ends_an_engagement() -> None:
    profile = profile_of(act("red-1", 2.0), act("red-1", -3.0))

    assert len(profile.engaged) == 0
    assert profile.refused["item"].tolist() == [key_of("red-1")]


def test_a_like_after_a_hide_revokes_the_hide() -> None:
    profile = profile_of(act("red-1", -3.0), act("red-1", 2.0))

    assert len(profile.refused) == 0
    assert profile.engaged["item"].tolist() == [key_of("red-1")]


def test_a_rating_of_three_only_marks_the_item_as_seen() -> None:
    profile = profile_of(act("red-1", 0.0))

    assert (len(profile.engaged), len(profile.refused), len(profile.seen)) == (0, 0, 1)


def test_the_same_event_id_changes_nothing_even_for_another_item() -> None:
    once = profile_of(act("red-1", event="e1"))

    assert same(apply_interaction(once, act("red-2", event="e1")).profile, once)


def test_a_late_event_does_not_move_the_time_of_the_profile_back() -> None:
    assert profile_of(act("red-1"), act("red-2", at_ms=NOW - DAY)).last_at_ms == NOW


def test_the_shared_empty_profile_is_never_changed() -> None:
    profile_of(act("red-1"), act("red-2", -3.0))

    assert (len(NEW.engaged), len(NEW.refused), len(NEW.seen), len(NEW.events), NEW.count) == (0, 0, 0, 0, 0)


@given(st.lists(actions, max_size=20), actions)
def test_a_repeated_event_changes_nothing(before: list[Action], action: Action) -> None:
    once = profile_of(*before, action)

    again = apply_interaction(once, action)

    assert again.outcome == "duplicate"
    assert same(again.profile, once)


@given(st.lists(actions, max_size=40))
def test_no_item_is_both_engaged_and_refused(given_actions: list[Action]) -> None:
    profile = profile_of(*given_actions)

    assert not np.isin(profile.engaged["item"], profile.refused["item"]).any()


@given(st.permutations([act("red-1", 1.0), act("red-1", 2.0, at_ms=NOW - DAY), act("red-1", 0.2, at_ms=NOW - 3 * DAY)]))
def test_late_events_lead_to_the_same_taste(shuffled: list[Action]) -> None:
    (entry,) = profile_of(*shuffled).engaged

    assert entry["weight"] == pytest.approx(1 + 2 * 0.5 ** (1 / 14) + 0.2 * 0.5 ** (3 / 14), rel=1e-5)


# One past each bound


def test_the_33rd_engaged_item_pushes_the_faintest_out() -> None:
    faint = act("faint", 0.2)
    profile = profile_of(faint, *(act(f"red-{n}") for n in range(ENGAGED_LIMIT)))

    assert len(profile.engaged) == ENGAGED_LIMIT == 32
    assert faint.item not in profile.engaged["item"]


def test_a_view_of_a_hidden_item_does_not_revoke_the_hide() -> None:
    profile = profile_of(act("red-1", -3.0), act("red-1", 0.2))

    assert profile.refused["item"].tolist() == [key_of("red-1")]
    assert len(profile.engaged) == 0


def test_the_17th_refused_item_pushes_the_faintest_out() -> None:
    faint = act("faint", -1.0)
    profile = profile_of(faint, *(act(f"red-{n}", -3.0) for n in range(REFUSED_LIMIT)))

    assert len(profile.refused) == REFUSED_LIMIT == 16
    assert faint.item not in profile.refused["item"]


def test_the_257th_seen_item_pushes_the_oldest_out() -> None:
    profile = profile_of(*(act(f"red-{n}") for n in range(SEEN_LIMIT + 1)))

    assert len(profile.seen) == SEEN_LIMIT == 256
    assert key_of("red-0") & 0xFFFF_FFFF not in profile.seen
    assert profile.seen[-1] == key_of(f"red-{SEEN_LIMIT}") & 0xFFFF_FFFF


def test_an_item_seen_again_is_not_the_oldest_any_more() -> None:
    first = [act(f"red-{n}") for n in range(SEEN_LIMIT)]
    profile = profile_of(*first, act("red-0", event="again"), act("red-new"))

    assert key_of("red-0") & 0xFFFF_FFFF in profile.seen
    assert key_of("red-1") & 0xFFFF_FFFF not in profile.seen


def test_the_33rd_event_id_pushes_the_oldest_out() -> None:
    profile = profile_of(*(act("red-1", event=f"e{n}") for n in range(EVENTS_LIMIT + 1)))

    assert len(profile.events) == EVENTS_LIMIT == 32
    assert apply_interaction(profile, act("red-1", event="e0")).outcome == "applied"
    assert apply_interaction(profile, act("red-1", event="e1")).outcome == "duplicate"


def test_the_count_goes_on_past_every_bound() -> None:
    assert profile_of(*(act(f"red-{n}") for n in range(300))).count == 300
