import numpy as np
import pytest

from features.co_choices.choice import LINKING
from features.item import key_of
from features.profile import NEW, Outcome, Profile
from streams.errors import InvalidEvent
from streams.interactions.reducer import Effect, changed_profiles, lists_due, parse, reduce, reduce_all
from streams.privacy.control_records import UNSIGNED
from streams.wire.events import PrivacyRequest
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from tests.harness.fakes import NOON
from tests.harness.interactions import click, record


def asked(offset: int, kind: str, user: str = "u1") -> Record:
    """The control record of a user's request."""
    request = PrivacyRequest(event_id="p", type=kind, user_id=user, occurred_at_ms=NOON)  # type: ignore[arg-type]
    source = Record("events.privacy", 0, offset, NOON + offset, user.encode(), b"")
    message = UNSIGNED.message(request, source, namespace=Namespace())
    return Record("events.interactions", 0, offset, NOON + offset, message.key, message.value, message.headers)


def reduced(*records: Record) -> list[Effect]:
    """The effects of records on users of whom nothing is known."""
    return list(reduce_all([(each, parse(each, UNSIGNED)) for each in records], {"u1": NEW, "u2": NEW}))


def after(*records: Record) -> Profile:
    return reduced(*records)[-1].after


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        ([], "applied"),
        ([record(0, click())], "duplicate"),
        ([asked(0, "opt_out")], "opted_out"),
        ([asked(9, "forget")], "late"),
    ],
)
def test_a_click_has_one_of_four_outcomes(before: list[Record], outcome: Outcome) -> None:
    assert reduced(*before, record(1, click()))[-1].outcome == outcome


def test_a_view_without_a_dwell_time_is_an_impression_and_one_with_it_is_a_look() -> None:
    views = [record(n, click(event=f"v{n}", type="view", rec_id="0-1", position=3)) for n in range(40)]
    looks = [record(n, click(event=f"v{n}", type="view", rec_id="0-1", dwell_ms=30_000)) for n in range(40)]

    assert after(*views).engaged["weight"].tolist() == [np.float32(0.05)]
    assert after(*looks).engaged["weight"].tolist() == [1.0]
    assert after(record(50, click(type="purchase")), *looks).engaged["weight"].tolist() == [3.0]


def test_what_lists_show_is_not_popular_by_it_and_one_user_alone_makes_nothing_popular_without_end() -> None:
    views = [record(n, click(event=f"v{n}", type="view")) for n in range(40)]
    clicks = [record(n, click(event=f"c{n}")) for n in range(40)]
    seen, chosen = (
        [each.weight for effect in reduced(*some) for each in effect.choices(LINKING)] for some in (views, clicks)
    )
    assert set(seen) == {0.0}
    assert sum(chosen) == pytest.approx(8, rel=1e-3)


def test_an_upload_that_the_agent_sends_again_under_another_id_is_a_duplicate() -> None:
    header = (("sightline-upload", b"2-70-1767268800"),)
    first, again = (record(n, click(event=f"u{n}", type="upload"), headers=header) for n in range(2))

    assert [each.outcome for each in reduced(first, again)] == ["applied", "duplicate"]
    assert reduced(record(0, click(), headers=header))[0].after.uploads.tolist() == []


def test_only_an_applied_click_means_something_for_items() -> None:
    once, twice = reduced(record(0, click()), record(1, click()))

    assert [each.item for each in once.choices(LINKING)] == [key_of("red0")]
    assert twice.choices(LINKING) == []


def test_an_upload_counts_for_its_uploader_and_means_nothing_for_items_that_others_are_shown() -> None:
    first, second = (record(n, click(thing=f"red{n}", type="upload")) for n in range(2))
    effects = reduced(first, second)

    assert effects[-1].after.engaged["weight"].tolist() == [1.5, 1.5]
    assert [each.choices(LINKING) for each in effects] == [[], []]
    assert [each.steps() for each in effects] == [[], []]
    assert [len(each.steps()) for each in reduced(record(0, click()), asked(1, "forget"))] == [1, 1]


def test_a_click_is_linked_with_what_its_user_chose_before_and_with_no_upload() -> None:
    did = [
        ("red0", "click"),
        ("red1", "upload"),
        ("red2", "upload"),
        ("red1", "view"),
        ("red3", "click"),
        ("red4", "click"),
    ]
    effects = reduced(*(record(n, click(event=f"e{n}", thing=thing, type=kind)) for n, (thing, kind) in enumerate(did)))
    (choice,) = effects[-1].choices(LINKING)

    assert choice.nearby == (key_of("red3"), key_of("red0"))


def test_a_record_that_cannot_be_read_changes_no_profile() -> None:
    (effect,) = reduced(record(0, b"junk", key=b"u1"))

    assert isinstance(effect.event, InvalidEvent)
    assert (effect.user_id, effect.outcome, effect.after) == ("", "invalid", NEW)


def test_each_record_is_applied_to_what_the_one_before_it_left() -> None:
    assert after(record(0, click(event="a")), record(1, click(event="b"))).count == 2


def test_a_profile_that_was_not_loaded_is_never_taken_for_a_new_one() -> None:
    each = record(0, click("u3"))
    with pytest.raises(KeyError):
        list(reduce_all([(each, parse(each, UNSIGNED))], {"u1": NEW}))


def test_only_changed_profiles_are_stored() -> None:
    assert list(changed_profiles(reduced(record(0, click("u1")), asked(1, "export", "u2")))) == ["u1"]


def test_a_user_gets_one_list_for_the_last_click_with_all_that_was_done() -> None:
    effects = reduced(record(0, click(event="a")), record(1, click(event="b")))

    ((profile, (source, _)),) = lists_due(effects)

    assert (profile.count, source.offset) == (2, 1)


def test_a_list_that_was_taken_back_is_not_made_unless_a_click_follows() -> None:
    assert lists_due(reduced(record(0, click()), asked(1, "reset"))) == []
    assert len(lists_due(reduced(record(0, click()), asked(1, "reset"), record(2, click(event="b"))))) == 1


def test_a_request_that_comes_twice_takes_effect_once() -> None:
    first, again = reduced(asked(0, "reset"), asked(0, "reset"))

    assert (first.outcome, first.withdraws_list) == ("applied", True)
    assert (again.outcome, again.withdraws_list) == ("duplicate", False)


def test_one_record_alone_is_reduced_the_same() -> None:
    each = record(0, click())
    assert reduce(each, parse(each, UNSIGNED), NEW).after.count == 1
