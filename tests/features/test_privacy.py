from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.item import hash_of, key_of
from features.privacy import (
    MARKER_MS,
    Request,
    apply_request,
    expires_ms,
    without_lapsed,
)
from features.profile import NEW, NOTHING_ASKED, Privacy, Profile, apply_interaction
from sightline_client.privacy import DIALS_LIMIT, RequestKind
from state.codec import encode_profile
from tests.harness.catalog import MINUTE, NOW, act, profile_of

TASTE = profile_of(act("red-1"), act("red-2", -3.0), act("red-3", 0.2))
AT = NOW + MINUTE
kinds = st.sampled_from(["forget", "reset", "opt_out", "opt_in", "prefer", "export"])
dials = st.dictionaries(st.sampled_from(["red-1", "shoes", "bob"]), st.floats(-1, 1), min_size=1).map(
    lambda named: tuple(named.items())
)


def ask(profile: Profile, kind: RequestKind, *, offset: int = 7, at_ms: int = AT) -> Profile:
    return apply_request(profile, Request(kind, offset, at_ms)).profile


def prefer(profile: Profile, dials: dict[str, float], *, offset: int = 7) -> Profile:
    return apply_request(profile, Request("prefer", offset, AT, tuple(dials.items()))).profile


def dials_of(profile: Profile) -> dict[int, float]:
    return dict(profile.dials.tolist())


def is_empty(profile: Profile) -> bool:
    return not (profile.count or len(profile.engaged) or len(profile.refused) or len(profile.seen))


# The effect of a request


def test_forgetting_leaves_the_time_of_the_request_and_nothing_else() -> None:
    forgotten = ask(TASTE, "forget")

    assert is_empty(forgotten)
    assert len(forgotten.events) == 0
    assert forgotten.privacy == Privacy(forgotten_ms=AT, asked_offset=7, asked_ms=AT)


@pytest.mark.parametrize("at_ms", [NOW, AT])
def test_an_event_from_before_the_forgetting_changes_nothing(at_ms: int) -> None:
    forgotten = ask(TASTE, "forget")

    step = apply_interaction(forgotten, act("red-9", at_ms=at_ms))

    assert step.profile is forgotten
    assert step.outcome == "late"


def test_an_event_from_after_the_forgetting_begins_a_profile_anew() -> None:
    profile = apply_interaction(ask(TASTE, "forget"), act("red-9", at_ms=AT + 1)).profile

    assert profile.engaged["item"].tolist() == [key_of("red-9")]
    assert profile.privacy.forgotten_ms == AT


def test_a_reset_erases_the_taste_and_keeps_the_event_ids() -> None:
    reset = ask(TASTE, "reset")

    assert is_empty(reset)
    again = apply_interaction(reset, act("red-1"))
    assert again.profile is reset
    assert again.outcome == "duplicate"
    assert apply_interaction(reset, act("red-1", event="another")).profile.count == 1


def test_a_user_who_opted_out_has_no_taste_and_gets_none() -> None:
    out = ask(TASTE, "opt_out")

    assert is_empty(out)
    step = apply_interaction(out, act("red-9", at_ms=AT + 1))

    assert step.profile is out
    assert step.outcome == "opted_out"


def test_a_user_who_opts_in_again_starts_without_a_taste() -> None:
    back = ask(ask(TASTE, "opt_out"), "opt_in", offset=8)

    assert is_empty(back)
    assert apply_interaction(back, act("red-9", at_ms=AT + 1)).profile.count == 1


def test_an_objection_outlives_the_forgetting() -> None:
    assert ask(ask(TASTE, "opt_out"), "forget", offset=8).privacy.opted_out


def test_an_export_changes_nothing() -> None:
    assert ask(TASTE, "export") is TASTE


# Dials


def test_setting_a_dial_keeps_the_others_and_the_taste() -> None:
    profile = prefer(prefer(TASTE, {"shoes": 0.5, "hats": -1}), {"shoes": 1, "ties": 0.25}, offset=8)

    assert dials_of(profile) == {key_of("hats"): -1.0, key_of("shoes"): 1.0, key_of("ties"): 0.25}
    assert encode_profile(replace(profile, dials=TASTE.dials, privacy=NOTHING_ASKED)) == encode_profile(TASTE)


def test_events_leave_the_dials_as_they_are() -> None:
    profile = apply_interaction(prefer(TASTE, {"shoes": 0.5}), act("red-9", at_ms=AT + 1)).profile

    assert dials_of(profile) == {key_of("shoes"): 0.5}


def test_the_number_of_dials_is_limited() -> None:
    many = prefer(TASTE, {f"n{n}": 0.5 for n in range(DIALS_LIMIT)})
    more = prefer(many, {"one more": 1.0}, offset=8)

    assert key_of("n0") not in dials_of(more)
    assert len(more.dials) == DIALS_LIMIT


def test_forgetting_removes_the_dials() -> None:
    assert dials_of(ask(prefer(TASTE, {"shoes": 0.5}), "forget", offset=8)) == {}


@pytest.mark.parametrize("kind", ["reset", "opt_out", "opt_in", "export"])
def test_other_requests_keep_the_dials(kind: RequestKind) -> None:
    assert dials_of(ask(prefer(TASTE, {"shoes": 0.5}), kind, offset=8)) == {key_of("shoes"): 0.5}


def test_a_user_who_opted_out_may_set_dials_and_is_not_profiled() -> None:
    profile = prefer(ask(TASTE, "opt_out"), {"shoes": -1}, offset=8)

    assert dials_of(profile) == {key_of("shoes"): -1.0}
    assert profile.privacy.opted_out
    assert is_empty(profile)


def test_a_repeated_request_does_not_undo_a_later_change_of_the_dials() -> None:
    profile = prefer(prefer(TASTE, {"shoes": 0.5}), {"shoes": -1}, offset=8)

    assert prefer(profile, {"shoes": 0.5}) is profile


# Once only


@given(st.lists(st.tuples(kinds, st.integers(-2, 5)), min_size=1, max_size=8), st.data())
def test_a_repeated_request_changes_nothing_even_if_the_clock_moved(
    asked: list[tuple[RequestKind, int]], data: st.DataObject
) -> None:
    requests = [
        Request(kind, n, NOW + sum(step for _, step in asked[:n]), data.draw(dials) if kind == "prefer" else ())
        for n, (kind, _) in enumerate(asked)
    ]
    profile = TASTE
    for request in requests:
        profile = apply_request(profile, request).profile
    again = data.draw(st.sampled_from(requests))
    last = max((r.offset for r in requests if r.kind != "export"), default=-1)

    if again.offset <= last:
        assert apply_request(profile, again).outcome == "duplicate" or again.kind == "export"
    assert again.kind == "export" or encode_profile(apply_request(profile, again).profile) == encode_profile(profile)


def test_a_request_is_applied_though_the_clock_of_the_broker_went_back() -> None:
    assert ask(ask(TASTE, "opt_out"), "opt_in", offset=8, at_ms=AT - MINUTE).privacy.opted_out is False


def test_a_request_is_applied_though_its_topic_was_recreated() -> None:
    assert ask(ask(TASTE, "opt_out"), "opt_in", offset=0, at_ms=AT + 1).privacy.opted_out is False


# Expiry


def test_the_marker_of_a_forgotten_user_expires_when_no_late_event_can_come() -> None:
    assert expires_ms(ask(TASTE, "forget")) == AT + MARKER_MS


@pytest.mark.parametrize(
    "kept",
    [
        NEW,
        TASTE,
        ask(TASTE, "reset"),
        ask(ask(NEW, "opt_out"), "forget", offset=8),
        apply_interaction(ask(TASTE, "forget"), act("red-9", at_ms=AT + 1)).profile,
        prefer(ask(TASTE, "forget"), {"shoes": 0.5}, offset=8),
    ],
)
def test_nothing_else_expires(kept: Profile) -> None:
    assert expires_ms(kept) is None


def test_markers_that_may_have_expired_are_left_out_of_a_comparison() -> None:
    forgotten = ask(TASTE, "forget")

    assert without_lapsed(forgotten, AT + MARKER_MS).privacy == NOTHING_ASKED
    assert without_lapsed(forgotten, AT + MARKER_MS - 1).privacy == forgotten.privacy


def test_an_objection_never_lapses() -> None:
    assert without_lapsed(ask(TASTE, "opt_out"), AT + MARKER_MS).privacy == replace(NOTHING_ASKED, opted_out=True)


def test_two_users_have_two_hashes_of_32_digits() -> None:
    assert {len(hash_of("u1")), len(hash_of("ann@example.org"))} == {32}
    assert hash_of("u1") != hash_of("u2")
