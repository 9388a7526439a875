import pytest

from streams.experiments.outcomes import Outcomes, Totals
from streams.privacy.control_records import VerifiedRequest
from streams.wire.events import Control, Interaction, RequestKind
from streams.wire.records import Record
from tests.harness.fakes import NOON

Act = tuple[str, str, str | None]


def happen(outcomes: Outcomes, offset: int, *acts: Act, user: str = "u1", dwell_ms: int | None = None) -> None:
    """Acts of a user from an offset of partition 3 on: the type of each, its item and its list."""
    for number, (kind, item, rec_id) in enumerate(acts, start=offset):
        event = Interaction(
            event_id=f"{user}-{kind}-{item}",
            type=kind,  # type: ignore[arg-type]  # a literal of the test
            user_id=user,
            item_id=item,
            occurred_at_ms=NOON,
            rec_id=rec_id,
            dwell_ms=dwell_ms,
        )
        outcomes.add(Record("events.interactions", 3, number, NOON, user.encode(), b""), event)


def ask(outcomes: Outcomes, kind: RequestKind, user: str = "u1") -> None:
    request = VerifiedRequest(Control(type=kind, user_id=user, asked_ms=NOON), 0, 0)
    outcomes.add(Record("events.interactions", 3, 50, NOON, user.encode(), b""), request)


def test_a_slot_counts_once_for_each_outcome_however_often_it_is_said() -> None:
    outcomes = Outcomes(10)
    seen = [("view", "a", "3-10"), ("view", "b", "3-10"), ("click", "a", "3-10"), ("save", "a", "3-10")]
    happen(outcomes, 11, *seen, *seen, ("purchase", "a", "3-10"), ("view", "a", "3-11"))

    assert dict(outcomes.totals()) == {"u1": Totals(lists=2, shown=3, clicked=1, converted=1)}


def test_the_time_of_a_look_counts_once_for_each_event_id() -> None:
    outcomes = Outcomes(10)
    happen(outcomes, 11, ("view", "a", "3-10"), ("view", "a", "3-10"), dwell_ms=1500)
    happen(outcomes, 13, ("view", "b", "3-10"), dwell_ms=500)
    happen(outcomes, 14, ("click", "b", "3-10"), dwell_ms=700)

    assert dict(outcomes.totals()) == {"u1": Totals(lists=1, shown=2, clicked=1, looks=2, dwell_s=2.0)}


@pytest.mark.parametrize(
    "rec_id",
    [None, "3-9", "3-11", "2-10", "similar-3-10", "3-x", "-3-10", "3-99999999999999999999"],
    ids=["no list", "made before", "made later", "of other users", "answer", "no offset", "negative", "too long"],
)
def test_an_event_that_names_no_list_of_its_user_and_time_counts_in_no_rate(rec_id: str | None) -> None:
    outcomes = Outcomes(10)
    happen(outcomes, 11, ("click", "a", rec_id))

    assert dict(outcomes.totals()) == {"u1": Totals()}


def test_all_users_who_did_something_count_and_each_for_itself() -> None:
    outcomes = Outcomes(0)
    happen(outcomes, 1, ("view", "a", "3-0"))
    happen(outcomes, 2, ("hide", "a", None), user="u2")

    assert dict(outcomes.totals()) == {"u1": Totals(lists=1, shown=1), "u2": Totals()}


@pytest.mark.parametrize("kind", ["forget", "reset", "opt_out"])
def test_what_a_user_had_erased_counts_no_more(kind: RequestKind) -> None:
    outcomes = Outcomes(0)
    happen(outcomes, 1, ("view", "a", "3-0"))
    ask(outcomes, kind)

    assert dict(outcomes.totals()) == {}


def test_a_user_who_opted_out_counts_again_after_opting_in() -> None:
    outcomes = Outcomes(0)
    ask(outcomes, "opt_out")
    happen(outcomes, 1, ("view", "a", "3-0"))
    ask(outcomes, "opt_in")
    assert dict(outcomes.totals()) == {}

    happen(outcomes, 2, ("click", "a", "3-0"))
    assert dict(outcomes.totals()) == {"u1": Totals(lists=1, clicked=1)}


def test_other_requests_change_nothing() -> None:
    outcomes = Outcomes(0)
    happen(outcomes, 1, ("view", "a", "3-0"))
    ask(outcomes, "export")

    assert dict(outcomes.totals()) == {"u1": Totals(lists=1, shown=1)}
