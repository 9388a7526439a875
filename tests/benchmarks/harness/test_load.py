from contextlib import closing

import numpy as np
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from numpy.typing import NDArray

from benchmarks.harness.load import Answer, Event, LoadClient, Matcher
from tests.conftest import RunningStack


def event(number: int, user: str = "ada") -> Event:
    return Event(f"e{number}", user.encode(), f"e{number}".encode())


def answer(number: int, at_ns: int, user: str = "ada") -> Answer:
    return Answer(user.encode(), f"e{number}", at_ns)


def match(events: list[Event], answers: list[Answer]) -> NDArray[np.int64]:
    matcher = Matcher(events)
    for answer in answers:
        matcher.match([answer])
    return matcher.answered_ns


def test_an_answer_stands_for_the_event_it_names() -> None:
    assert match([event(0), event(1)], [answer(0, 10), answer(1, 20)]).tolist() == [10, 20]


def test_one_answer_stands_for_the_earlier_events_of_its_user() -> None:
    assert match([event(0), event(1), event(2)], [answer(1, 10), answer(2, 20)]).tolist() == [10, 10, 20]


def test_an_answer_says_nothing_about_another_users_events() -> None:
    assert match([event(0, "bela"), event(1)], [answer(1, 10)]).tolist() == [0, 10]


def test_an_event_without_an_answer_has_no_time() -> None:
    assert match([event(0), event(1)], [answer(0, 10)]).tolist() == [10, 0]


def test_an_answer_that_comes_twice_counts_when_it_came_first() -> None:
    assert match([event(0)], [answer(0, 10), answer(0, 99)]).tolist() == [10]


def test_an_answer_to_an_event_of_an_earlier_run_is_ignored() -> None:
    assert match([event(5)], [answer(4, 10), answer(5, 20)]).tolist() == [20]


def make_topic(kafka: str, name: str) -> str:
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(name, 3, 1)])[name].result(30)
    return name


@pytest.fixture
def topic(stack: RunningStack, topic_prefix: str) -> str:
    """A topic on which every event is its own answer."""
    return make_topic(stack.endpoints.kafka, f"{topic_prefix}t")


@pytest.mark.stack
def test_every_event_is_answered_where_events_are_their_own_answers(stack: RunningStack, topic: str) -> None:
    events = [event(number, f"user-{number % 7}") for number in range(200)]
    with closing(LoadClient(stack.endpoints.kafka, events=topic, answers=topic, answered_by=bytes.decode)) as client:
        delays_ms = client.run(events, rate=400)
    assert (delays_ms > 0).all()


@pytest.mark.stack
def test_answers_from_before_the_run_are_not_read(stack: RunningStack, topic: str) -> None:
    def connect() -> LoadClient:
        return LoadClient(stack.endpoints.kafka, events=topic, answers=topic, answered_by=bytes.decode)

    with closing(connect()) as first:
        first.run([event(0)], rate=100)
    silent = make_topic(stack.endpoints.kafka, f"{topic}-silent")
    with closing(LoadClient(stack.endpoints.kafka, events=silent, answers=topic, answered_by=bytes.decode)) as second:
        delays_ms = second.run([event(0)], rate=100, patience_s=1)
    assert np.isnan(delays_ms).all()
