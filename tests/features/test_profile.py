from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.fingerprints import count
from features.item import key_of
from features.ledger import WEIGHT_LIMIT
from features.privacy import Request, apply_request
from features.profile import (
    CHANGE_OF_MIND,
    ENGAGED_LIMIT,
    EVENTS_LIMIT,
    IMPRESSION,
    NEW,
    REFUSED_LIMIT,
    SEEN_BEFORE,
    SEEN_LIMIT,
    WEIGHTS,
    Action,
    Profile,
    apply_interaction,
    false_repeats,
    has_refused,
    lift,
    liked,
    most_of,
    passed_over,
    profile_after,
    repetition,
    seen_on_day,
    weigh,
)
from features.upload_places import UploadPlace
from state.codec import encode_profile
from tests.harness.catalog import DAY, NOW, act, profile_of

actions = st.builds(
    Action,
    event=st.integers(0, 30),
    item=st.integers(0, 2**64 - 1) | st.integers(0, 8),
    weight=st.sampled_from([-3.0, -2.0, 0.0, 0.2, 1.0, 3.0]),
    at_ms=st.integers(NOW - 7 * DAY, NOW),
)


LONG = profile_of(*(act("red-1", event=f"e{n}") for n in range(8_000)))


def impression(name: str, number: int) -> Action:
    return replace(act(name, weigh("view"), event=f"v{number}"), most=most_of("view"))


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


@pytest.mark.parametrize(
    ("dwell_ms", "duration_ms", "weight"),
    [(6_000, 6_000, 1.0), (3_000, 6_000, 0.5), (60_000, 6_000, 1.0), (30_000, 600_000, 0.1), (30_000, 0, 0.5)],
    ids=["to its end", "half", "ten times", "a glance at a long one", "of unknown length"],
)
def test_of_a_clip_the_share_that_was_watched_counts(dwell_ms: int, duration_ms: int, weight: float) -> None:
    assert weigh("view", dwell_ms=dwell_ms, duration_ms=duration_ms) == weight


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


def test_the_33rd_event_id_pushes_the_oldest_to_the_fingerprints() -> None:
    profile = profile_of(*(act("red-1", event=f"e{n}") for n in range(EVENTS_LIMIT + 1)))

    assert len(profile.events) == EVENTS_LIMIT == 32
    assert [len(each) for each in profile.events_before] == [1]
    assert repetition(profile, act("red-1", event="e0")) == "earlier_event"
    assert repetition(profile, act("red-1", event="e1")) == "event"
    assert repetition(profile, act("red-1", event="e33")) is None


@pytest.mark.parametrize(("count", "items"), [(1, 1), (32, 7), (33, 7), (100, 7), (4_128, 7), (4_128, 4_128)])
def test_a_phone_that_sends_everything_again_changes_nothing(count: int, items: int) -> None:
    sent = [act(f"red-{n % items}", event=f"e{n}") for n in range(count)]
    once = profile_of(*sent)

    assert profile_of(*sent, start=once) is once
    assert once.count == count


@pytest.mark.parametrize(("items", "remembered", "limit"), [(1, 4_128, 9), (10_000, 2_080, 5)])
def test_the_last_event_ids_are_remembered_however_many_came_before(items: int, remembered: int, limit: int) -> None:
    profile = profile_of(*(act(f"red-{n % items}", 0.05, event=f"e{n}") for n in range(10_000)))

    for number in range(10_000 - remembered, 10_000):
        assert repetition(profile, act("red-1", event=f"e{number}")) is not None
    assert count(profile.events_before) <= limit * 512


def test_a_new_event_is_mistaken_for_a_repeated_one_less_than_once_in_ten_thousand() -> None:
    mistaken = sum(repetition(LONG, act("red-1", event=f"new {n}")) is not None for n in range(100_000))

    assert mistaken <= 10
    assert 4e-5 < false_repeats(LONG) < 7e-5
    assert false_repeats(NEW) == 0


def test_ten_thousand_refused_items_stay_refused_until_that_is_taken_back() -> None:
    profile = profile_of(*(act(f"red-{n}", -3.0) for n in range(10_000)))
    assert all(has_refused(profile, key_of(f"red-{n}")) for n in range(10_000))
    assert len(profile.refused) == 16

    for weight, taken_back in ((0.2, False), (CHANGE_OF_MIND, True)):
        after = profile_of(act("red-5", weight), start=profile)
        assert has_refused(after, key_of("red-5")) is not taken_back
        assert (key_of("red-5") in after.engaged["item"]) is taken_back
        assert all(has_refused(after, key_of(f"red-{n}")) for n in range(10_000) if n != 5)


def test_an_item_refused_again_after_long_can_be_taken_back() -> None:
    refused = [act(f"red-{n}", -3.0) for n in range(40)]
    again = profile_of(act("red-0", -3.0, event="again"), start=profile_of(*refused))

    assert not has_refused(profile_of(act("red-0", 2.0), start=again), key_of("red-0"))


def test_of_ten_thousand_seen_items_none_is_forgotten_and_few_others_are_held_back() -> None:
    profile = profile_of(*(act(f"red-{n}", 0.05) for n in range(10_000)))
    keys = np.array([key_of(f"red-{n}") for n in range(10_000)], np.uint64)
    others = np.array([key_of(f"blue-{n}") for n in range(20_000)], np.uint64)
    latest = np.isin(keys.astype(np.uint32), profile.seen)

    assert latest.sum() == SEEN_LIMIT
    assert (latest | SEEN_BEFORE.among(profile.seen_before, keys)).all()
    assert SEEN_BEFORE.among(profile.seen_before, others).mean() < 0.006


@given(st.lists(actions, max_size=60), st.randoms())
def test_what_is_remembered_follows_from_the_order_of_the_log_alone(given: list[Action], chance: Random) -> None:
    sent = [*given, *(chance.choice(given) for _ in given)]
    whole = profile_of(*sent)
    parts = profile_of(*sent[20:], start=profile_of(*sent[:20]))

    assert encode_profile(parts) == encode_profile(whole)
    assert whole.count == len({action.event for action in given})


# Views


def test_forty_impressions_of_an_item_weigh_as_one() -> None:
    once = profile_of(impression("red-1", 0))
    often = profile_of(*(impression("red-1", n) for n in range(40)))

    assert often.engaged.tolist() == once.engaged.tolist() == [(key_of("red-1"), np.float32(0.05), NOW // 1000)]
    assert often.count == 40


def test_impressions_of_forty_items_do_not_outweigh_a_purchase() -> None:
    profile = profile_of(act("blue-1", 3.0), *(impression(f"red-{n}", n) for n in range(40)))

    weights = dict(zip(profile.engaged["item"].tolist(), profile.engaged["weight"].tolist(), strict=True))
    assert weights.pop(key_of("blue-1")) == 3.0
    assert sum(weights.values()) < 3.0


def test_looks_lift_an_item_to_the_weight_of_a_click_and_lower_none() -> None:
    looks = [replace(act("red-1", 0.5, event=f"v{n}"), most=most_of("view", dwell_ms=30_000)) for n in range(5)]

    assert profile_of(*looks).engaged["weight"].tolist() == [1.0]
    assert profile_of(act("red-1", 3.0), *looks).engaged["weight"].tolist() == [3.0]


def test_what_lifts_an_item_no_more_adds_nothing_to_its_popularity() -> None:
    seen = profile_of(impression("red-1", 0))

    assert lift(NEW, impression("red-1", 0)) == 0.05
    assert lift(seen, impression("red-1", 1)) == pytest.approx(0)
    assert lift(seen, act("red-1", 1.0)) == 1.0
    assert lift(seen, act("red-1", -3.0)) == -3.0


def test_one_user_who_clicks_an_item_again_and_again_adds_no_more_than_a_profile_holds() -> None:
    profile, added = NEW, 0.0
    for number in range(100):
        click = act("red-1", event=f"e{number}")
        added += lift(profile, click)
        profile = apply_interaction(profile, click).profile
    assert added == pytest.approx(WEIGHT_LIMIT, rel=1e-3)


# Uploads that are sent again


def test_what_was_only_uploaded_is_told_from_what_was_chosen() -> None:
    """Looking at one's own picture chooses it no more than a new picture of it does; a click does, before or after."""
    mine, other = act("mine", 1.5, event="u1"), act("other", 1.5, event="u2")
    uploaded = profile_of(act("liked"), *(replace(each, is_upload=True) for each in (mine, other)))
    again = replace(act("mine", 1.5, event="u3"), is_upload=True)
    liked_one = replace(act("liked", 1.5, event="u4"), is_upload=True)
    keys = frozenset(map(key_of, ("mine", "other")))

    assert uploaded.only_uploaded == keys
    assert profile_of(act("mine", IMPRESSION), act("mine", 0.5), again, liked_one, start=uploaded).only_uploaded == keys
    assert profile_of(act("mine", IMPRESSION), again).only_uploaded == {key_of("mine")}
    assert profile_of(act("mine"), again, start=uploaded).only_uploaded == {key_of("other")}
    assert profile_of(act("mine", -3.0), start=uploaded).only_uploaded == {key_of("other")}
    assert not profile_of(*(act(f"i{n}", 2.0) for n in range(ENGAGED_LIMIT)), start=uploaded).only_uploaded


def test_thousands_of_uploads_that_are_sent_again_change_nothing() -> None:
    sent = [replace(act(f"i{n}", 1.5), upload=UploadPlace(n % 3, n // 3, NOW // 1000)) for n in range(3_000)]
    once = profile_of(*sent)

    assert profile_of(*sent, start=once) is once
    assert repetition(once, sent[0]) == "upload"
    assert once.uploads.tolist() == [(partition, 999, NOW // 1000) for partition in range(3)]


def test_an_upload_to_a_recreated_topic_is_new() -> None:
    known = profile_of(replace(act("i1", 1.5), upload=UploadPlace(0, 70, NOW // 1000)))
    later = replace(act("i2", 1.5), upload=UploadPlace(0, 0, NOW // 1000 + 1))

    assert apply_interaction(known, later).outcome == "applied"


def test_the_count_goes_on_past_every_bound() -> None:
    assert profile_of(*(act(f"red-{n}") for n in range(300))).count == 300


def test_no_hide_of_ten_thousand_is_taken_for_a_repeated_one() -> None:
    """Among these ids is one whose fingerprint is that of an earlier one."""
    profile = NEW
    for number in range(10_000):
        action = Action(key_of(f"h{number}"), key_of(f"i{number}"), -3.0, NOW)
        step = apply_interaction(profile, action)
        assert step.outcome == "applied"
        profile = step.profile
    assert all(has_refused(profile, key_of(f"i{number}")) for number in range(10_000))


def test_tastes_are_judged_by_what_was_more_than_shown() -> None:
    shown, clicked = (
        Action(event, event, weight, 0, most=most) for event, weight, most in ((1, 0.05, 0.05), (2, 1.0, 8.0))
    )
    both, only_shown = profile_after([shown, clicked]), profile_after([shown])

    assert (liked(both)["item"].tolist(), passed_over(both)["item"].tolist()) == ([2], [1])
    # Where views are all there is, they say what the user likes.
    assert (liked(only_shown)["item"].tolist(), passed_over(only_shown)["item"].tolist()) == ([1], [])
    assert (len(liked(NEW)), len(passed_over(NEW))) == (0, 0)


# What was seen on a day


#: 2026-01-01T12:00:00Z is NOW.
MIDNIGHT = NOW + DAY // 2


def seen_on(profile: Profile, now_ms: int, *items: str) -> list[str]:
    """Which of some items the user saw on the day."""
    today = seen_on_day(profile, now_ms).tolist()
    assert len(today) == profile.seen_today or not today
    return [name for name in items if key_of(name) & 0xFFFF_FFFF in today]


def test_what_was_seen_on_a_day_is_known_until_midnight() -> None:
    profile = profile_of(act("red-1", at_ms=NOW - DAY), impression("red-2", 1), act("red-3", -3.0))

    assert seen_on(profile, MIDNIGHT - 1, "red-1", "red-2", "red-3") == ["red-2", "red-3"]
    assert seen_on(profile, MIDNIGHT, "red-1", "red-2", "red-3") == []
    assert seen_on(NEW, NOW, "red-1") == []


def test_an_item_counts_once_a_day_however_often_it_was_seen() -> None:
    profile = profile_of(impression("red-1", 1), impression("red-2", 2), impression("red-1", 3))
    again = profile_of(impression("red-2", 2), start=profile)

    assert (profile.seen_today, again.seen_today) == (2, 2)
    tomorrow = profile_of(replace(impression("red-1", 4), at_ms=MIDNIGHT), start=again)
    assert seen_on(tomorrow, MIDNIGHT, "red-1", "red-2") == ["red-1"]


def test_an_event_that_comes_late_counts_on_the_day_that_it_comes() -> None:
    profile = profile_of(act("red-1", at_ms=MIDNIGHT), act("red-2", at_ms=NOW))

    assert seen_on(profile, MIDNIGHT, "red-1", "red-2") == ["red-1", "red-2"]


def test_the_day_of_a_clock_that_is_ahead_has_begun() -> None:
    profile = profile_of(act("red-1"), act("red-2", at_ms=MIDNIGHT + 5))

    assert seen_on(profile, MIDNIGHT - 5, "red-1", "red-2") == ["red-2"]


def test_of_more_than_256_items_on_a_day_the_last_count() -> None:
    profile = profile_of(*(act(f"red-{n}") for n in range(SEEN_LIMIT + 10)))

    assert (profile.seen_today, len(seen_on_day(profile, NOW))) == (SEEN_LIMIT, SEEN_LIMIT)


def test_a_reset_begins_the_day_anew() -> None:
    profile = apply_request(profile_of(act("red-1")), Request("reset", 0, NOW)).profile

    assert (profile.seen_today, len(seen_on_day(profile, NOW))) == (0, 0)


@given(st.lists(actions, max_size=40), st.integers(NOW - DAY, NOW + DAY))
def test_what_was_seen_on_a_day_is_what_any_order_of_events_says(given_actions: list[Action], now_ms: int) -> None:
    """By a plain list of what was seen: on the latest day so far, or on an earlier one and came late."""
    seen, day, known = set[int](), -1, set[int]()
    for action in given_actions:
        if action.event in known:
            continue
        known.add(action.event)
        if action.at_ms // DAY > day:
            seen, day = set(), action.at_ms // DAY
        seen.add(action.item & 0xFFFF_FFFF)
    expected = seen if day >= now_ms // DAY else set()

    assert {*seen_on_day(profile_of(*given_actions), now_ms).tolist()} == expected
