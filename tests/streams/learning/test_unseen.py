from features.item import key_of
from features.profile import Action, Profile, profile_after, seen_on_day, weigh
from state.codec import decode_profile, encode_profile
from streams.learning.unseen import before_impressions, is_touched

SHOWN, LOOKED_AT, CLICKED = map(key_of, ("shown", "looked at", "clicked"))


def after(*steps: tuple[int, float, float]) -> Profile:
    return profile_after(
        Action(number, item, weight, 1000 * number, most=most) for number, (item, weight, most) in enumerate(steps)
    )


IMPRESSION = (weigh("view"), weigh("view"))
PROFILE = after((SHOWN, *IMPRESSION), (LOOKED_AT, *IMPRESSION), (LOOKED_AT, 0.5, 1.0), (CLICKED, 1.0, 8.0))


def test_an_item_that_was_scrolled_past_is_as_if_it_had_never_been_shown() -> None:
    before = before_impressions(PROFILE, [SHOWN])

    assert SHOWN not in before.engaged["item"]
    assert SHOWN & 0xFFFF_FFFF not in before.seen
    assert len(before.seen) == len(PROFILE.seen) - 1


def test_and_as_if_it_had_not_been_seen_on_that_day() -> None:
    before = before_impressions(PROFILE, [SHOWN])

    assert (PROFILE.seen_today, before.seen_today) == (3, 2)
    assert seen_on_day(before, 0).tolist() == [LOOKED_AT & 0xFFFF_FFFF, CLICKED & 0xFFFF_FFFF]
    assert decode_profile(encode_profile(before)) is not None


def test_what_the_user_did_stays() -> None:
    before = before_impressions(PROFILE, [LOOKED_AT, CLICKED, key_of("never shown")])

    assert before.engaged.tolist() == PROFILE.engaged.tolist()
    assert before.seen.tolist() == PROFILE.seen.tolist()


def test_a_look_and_a_click_touch_an_item_and_an_impression_does_not() -> None:
    assert [is_touched(PROFILE, item) for item in (SHOWN, LOOKED_AT, CLICKED, key_of("other"))] == [
        False,
        True,
        True,
        False,
    ]
