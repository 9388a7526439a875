"""Faults of what comes in: the same twice, and a thousand messages in a row that nobody can read."""

import time
from collections.abc import Iterable, Iterator

from benchmarks.faults.fault import Fault, Unmet
from benchmarks.faults.system import System
from streams.wire.events import Interaction, encode
from streams.wire.topics import DEAD_LETTERS

POISON = 1000
TWICE = 500


def send_again(system: System) -> float:
    """Each of 500 events three times, as a publisher would that hears no answer: one of them counts."""
    sent = [_click(number) for number in range(TWICE)]
    for start in range(0, TWICE, 50):
        for _ in range(3):
            for event in sent[start : start + 50]:
                system.traffic.send(event.user_id.encode(), encode(event))
    system.traffic.flush()
    return system.await_stored(system.ends())


def poison(system: System) -> float:
    """A thousand in a row, of ten sorts, under load: each becomes a dead letter, and what lies between is answered."""
    # With less that can be read, the breaker would rightly stop what looks like a topic of messages nobody knows.
    system.await_that(lambda: system.traffic.accepted >= 2 * POISON, "twice as many that can be read are sent")
    system.await_stored(system.ends())
    for _, value in zip(range(POISON), _forever(_POISON), strict=False):
        system.traffic.send(b"user-1", value)
    system.traffic.flush()
    recovered_s = system.await_stored(system.ends())
    letters = sum(system.ends(DEAD_LETTERS).values())
    if letters < POISON:
        raise Unmet(f"{POISON} messages of junk led to {letters} dead letters")
    return recovered_s


def _click(number: int) -> Interaction:
    now_ms = time.time_ns() // 1_000_000
    user, item = f"user-{number % 50}", f"item-{number % 97}"
    return Interaction(event_id=f"twice-{number}", type="click", user_id=user, item_id=item, occurred_at_ms=now_ms)


def _forever(values: Iterable[bytes | None]) -> Iterator[bytes | None]:
    while True:
        yield from values


_POISON = (
    b"{not json",
    b"\xff\xfe\x00",
    b"",
    None,
    b"[]",
    b"[" * 20_000,
    b'{"event_id":"p","type":"dance","user_id":"user-1","item_id":"a","occurred_at_ms":1}',
    b'{"event_id":"p","type":"click","user_id":"another","item_id":"a","occurred_at_ms":1}',
    b'{"event_id":"p","type":"click","user_id":"user-1","item_id":"a","occurred_at_ms":1' + b"0" * 400 + b"}",
    b'{"event_id":"p","type":"click","user_id":"user-1","item_id":"\\ud800","occurred_at_ms":1}',
)

FAULTS = (
    Fault("duplicates", "500 events three times each", send_again, within_s=15),
    Fault("poison", "1,000 unreadable messages in a row", poison, within_s=15),
)
