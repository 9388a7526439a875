import pytest

from web.problems import Problem
from web.publishing.asked import KEY_LIMIT, Asked


@pytest.mark.parametrize("value", ["respond-async", "wait=10, respond-async", "return=minimal;respond-async"])
def test_an_answer_before_kafkas_is_asked_for_by_prefer(value: str) -> None:
    asked = Asked.of({"prefer": value})
    assert (asked.later, asked.status) == (True, 202)


@pytest.mark.parametrize("value", ["", "wait=10", "respond-asynchronously"])
def test_any_other_preference_waits_for_kafka(value: str) -> None:
    assert Asked.of({"prefer": value}).status == 200


def test_the_key_is_the_id_and_of_a_list_it_has_a_number() -> None:
    asked = Asked.of({"idempotency-key": "k-1"})
    assert (asked.event_id(), asked.event_id(0), asked.event_id(12)) == ("k-1", "k-1-0", "k-1-12")


def test_a_key_in_quotes_is_the_key_between_them() -> None:
    assert Asked.of({"idempotency-key": '"8e03 978e"'}).event_id() == "8e03 978e"


def test_without_a_key_each_event_has_an_id_of_its_own() -> None:
    asked = Asked.of({})
    assert asked.event_id(0) != asked.event_id(0)


@pytest.mark.parametrize("key", ["", '""', "x" * (KEY_LIMIT + 1), "a\x00b"])
def test_a_key_that_can_be_no_id_is_refused(key: str) -> None:
    with pytest.raises(Problem) as refused:
        Asked.of({"idempotency-key": key})
    assert refused.value.status == 400
