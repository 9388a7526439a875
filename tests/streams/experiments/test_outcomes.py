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


def ask(outcomes: Outcomes, kind: RequestKind, user: str = "u1", offset: int = 0, asked_ms: int = NOON - 1) -> None:
    request = VerifiedRequest(Control(type=kind, user_id=user, asked_ms=asked_ms), 0, offset)
    outcomes.add(Record("events.interactions", 3, 50, NOON, user.encode(), b""), request)


def test_a_slot_counts_once_for_each_outcome_however_often_it_is_said() -> None:
    outcomes = Outcomes(10)
    seen = [("view", "a", "3-10"), ("view", "b", "3-10"), ("click", "a", "3-10"), ("save", "a", "3-10")]
    happen(outcomes, 11, *seen, *seen, ("purchase", "a", "3-10"), ("view", "a", "3-11"))

    assert dict(outcomes.totals()) == {"u1": Totals(lists=2, shown=3, clicked=1, converted=1)}


def test_clicks_of_slots_that_no_impression_names_are_told_apart() -> None:
    outcomes = Outcomes(10)
    happen(outcomes, 11, ("click", "a", "3-10"), ("view", "a", "3-10"), ("click", "b", "3-10"), ("click", "c", "3-10"))

    assert dict(outcomes.totals()) == {"u1": Totals(lists=1, shown=1, clicked=3, unseen=2)}


def test_the_time_of_a_look_counts_once_for_each_event_id() -> None:
    outcomes = Outcomes(10)
    happen(outcomes, 11, ("view", "a", "3-10"), ("view", "a", "3-10"), dwell_ms=1500)
    happen(outcomes, 13, ("view", "b", "3-10"), dwell_ms=500)
    happen(outcomes, 14, ("click", "b", "3-10"), dwell_ms=700)

    assert dict(outcomes.totals()) == {"u1": Totals(lists=1, clicked=1, looks=2, dwell_s=2.0, unseen=1)}


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
    ask(outcomes, "opt_in", offset=1)
    assert dict(outcomes.totals()) == {}

    happen(outcomes, 2, ("click", "a", "3-0"))
    assert dict(outcomes.totals()) == {"u1": Totals(lists=1, clicked=1, unseen=1)}


def test_other_requests_change_nothing() -> None:
    outcomes = Outcomes(0)
    happen(outcomes, 1, ("view", "a", "3-0"))
    ask(outcomes, "export")

    assert dict(outcomes.totals()) == {"u1": Totals(lists=1, shown=1)}


def buy(
    outcomes: Outcomes,
    offset: int,
    amount: float | None,
    currency: str = "EUR",
    *,
    rec_id: str | None = None,
    **more: str,
) -> None:
    """A purchase of u1 at an offset of partition 3."""
    fields: dict[str, str] = {"event_id": f"e{offset}", "type": "purchase", "item_id": "a", **more}
    event = Interaction(
        event_id=fields["event_id"],
        type=fields["type"],  # type: ignore[arg-type]  # a literal of the test
        user_id="u1",
        item_id=fields["item_id"],
        occurred_at_ms=NOON,
        rec_id=rec_id,
        amount=amount,
        currency=None if amount is None else currency,
    )
    outcomes.add(Record("events.interactions", 3, offset, NOON, b"u1", b""), event)


def test_what_was_paid_counts_and_what_lists_sold_if_the_purchase_names_one() -> None:
    outcomes = Outcomes(10)
    buy(outcomes, 11, 20.0, rec_id="3-10")
    buy(outcomes, 12, 5.5)
    buy(outcomes, 13, 0.0, rec_id="3-10", item_id="b")
    buy(outcomes, 14, None, rec_id="3-10", item_id="c")
    buy(outcomes, 15, 9.0, rec_id="3-9", item_id="d")

    assert dict(outcomes.totals("EUR")) == {"u1": Totals(lists=1, converted=3, sold=20.0, paid=34.5)}


@pytest.mark.parametrize("amount", [1e308, 1.1e12, float("nan"), float("inf")])
def test_an_amount_that_nobody_pays_counts_as_none(amount: float) -> None:
    outcomes = Outcomes(10)
    buy(outcomes, 11, amount, rec_id="3-10")
    buy(outcomes, 12, amount)
    buy(outcomes, 13, 1e12)

    assert dict(outcomes.totals("EUR")) == {"u1": Totals(lists=1, converted=1, paid=1e12)}
    assert outcomes.currencies() == {"EUR": 1}


def test_amounts_of_other_currencies_and_of_carts_are_not_added() -> None:
    outcomes = Outcomes(10)
    buy(outcomes, 11, 20.0)
    buy(outcomes, 12, 3.0, "USD")
    buy(outcomes, 13, 7.0, type="cart")

    assert [totals.paid for currency in ("EUR", "USD", "JPY", None) for _, totals in outcomes.totals(currency)] == [
        20.0,
        3.0,
        0.0,
        0.0,
    ]
    assert outcomes.currencies() == {"EUR": 1, "USD": 1}


def test_a_purchase_that_is_said_again_is_paid_once_and_one_of_a_user_who_was_forgotten_not_at_all() -> None:
    outcomes = Outcomes(10)
    for offset in (11, 12, 13):
        buy(outcomes, offset, 20.0, rec_id="3-10", event_id="order-1")
    assert [totals.sold for _, totals in outcomes.totals("EUR")] == [20.0]

    ask(outcomes, "forget")
    assert (dict(outcomes.totals("EUR")), outcomes.currencies()) == ({}, {})


def test_a_request_that_was_written_twice_takes_nothing_back_again() -> None:
    outcomes, click = Outcomes(10), ("click", "a", "3-10")
    for kind, offset in (("opt_out", 1), ("opt_in", 2), ("opt_out", 1)):
        ask(outcomes, kind, offset=offset)  # type: ignore[arg-type]  # literals of the test
    happen(outcomes, 60, click)
    ask(outcomes, "opt_in", offset=2)

    assert dict(outcomes.totals())["u1"].clicked == 1


def test_an_event_from_before_a_forget_that_comes_late_does_not_count() -> None:
    outcomes = Outcomes(10)
    ask(outcomes, "forget", asked_ms=NOON)
    happen(outcomes, 60, ("click", "a", "3-10"))

    assert dict(outcomes.totals()) == {}
