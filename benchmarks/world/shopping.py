"""Sends the events of shoppers at a steady rate and measures the latency of the refreshed lists."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from benchmarks.world.shoppers import Visit
from streams.client import EventPublisher, RecommendationSubscriber
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.wire.events import Recommendations

ANSWER_S = 15.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A sent event; `at` is time.perf_counter() just before publication."""

    user_id: str
    event_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Received:
    """A received list; `trigger_id` is the id of the event that it answers."""

    user_id: str
    trigger_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Median and 99th percentile in milliseconds."""

    p50: float
    p99: float


class Feeds:
    """The side of a feed service: all lists that arrive after construction, and the newest of each user."""

    def __init__(self, bootstrap: str, *, prefix: str, security: KafkaSecurity = PLAINTEXT) -> None:
        self.received: list[Received] = []
        self._newest: dict[str, Recommendations] = {}
        self._subscriber = RecommendationSubscriber(bootstrap, prefix=prefix, kind="feed", security=security)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="feeds", daemon=True)
        self._thread.start()

    def newest(self, user_id: str) -> Recommendations | None:
        """The newest list of a user, None before the first."""
        return self._newest.get(user_id)

    def close(self) -> None:
        """Stop reading and disconnect."""
        self._closed.set()
        self._thread.join()
        self._subscriber.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> None:
        while not self._closed.is_set():
            for lists in self._subscriber.poll(0.1):
                self._newest[lists.user_id] = lists
                self.received.append(Received(lists.user_id, lists.trigger.event_id, time.perf_counter()))


def shop_together(
    publisher: EventPublisher,
    feeds: Feeds,
    visits: Sequence[Visit],
    *,
    events: int,
    rate: float,
    on_event: Callable[[], None],
) -> list[Sent]:
    """Publish `events` events, shoppers in turn, `rate` a second whether or not answers come (open loop)."""
    begun = time.perf_counter()
    sent = []
    for number in range(events):
        time.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        visit = visits[number % len(visits)]
        event = visit.act(feeds.newest(visit.user_id), time.time_ns() // 1_000_000)
        sent.append(Sent(event.user_id, event.event_id, time.perf_counter()))
        publisher.publish(event)
        on_event()
    publisher.flush()
    await_answers(sent, feeds)
    return sent


def await_answers(sent: Sequence[Sent], feeds: Feeds) -> None:
    """Wait until every event is answered, for at most ANSWER_S seconds."""
    deadline = time.perf_counter() + ANSWER_S
    while None in latencies(sent, list(feeds.received)) and time.perf_counter() < deadline:
        time.sleep(0.05)


def latencies(sent: Iterable[Sent], received: Iterable[Received]) -> list[float | None]:
    """Seconds from each event to the first list that covers it; None if there is none.

    A list covers its trigger and all earlier events of the user: events that arrive together are answered by one
    list, whose trigger is the last of them.
    """
    sent = list(sent)
    order = {event.event_id: number for number, event in enumerate(sent)}
    lists: dict[str, list[tuple[float, int]]] = {}
    for one in received:
        if one.trigger_id in order:
            lists.setdefault(one.user_id, []).append((one.at, order[one.trigger_id]))
    return [_first(lists.get(event.user_id, []), number, event.at) for number, event in enumerate(sent)]


def _first(lists: list[tuple[float, int]], number: int, sent_at: float) -> float | None:
    answers = (at - sent_at for at, last in sorted(lists) if last >= number)
    return next(answers, None)


def quantiles_ms(seconds: Sequence[float]) -> Quantiles:
    """Median and 99th percentile in milliseconds, rounded to a hundredth; ValueError if `seconds` is empty."""
    if not seconds:
        raise ValueError("there is no measurement to take quantiles of")
    p50, p99 = np.percentile(np.asarray(seconds) * 1000, [50, 99])
    return Quantiles(round(float(p50), 2), round(float(p99), 2))
