"""Faults of the input: duplicate events, and a thousand unreadable messages in a row."""

import time
from itertools import cycle, islice

from benchmarks.faults.fault import Fault
from benchmarks.faults.outcome import Unmet
from benchmarks.faults.system import System
from streams.wire.events import Interaction, encode
from streams.wire.topics import DEAD_LETTERS

POISON = 1000
REPEATED = 500


def send_again(system: System) -> float:
    """Send each of 500 events three times, as a publisher that retries does; each must count once."""
    sent = [_click(number) for number in range(REPEATED)]
    for start in range(0, REPEATED, 50):
        for _ in range(3):
            for event in sent[start : start + 50]:
                system.traffic.send(event.user_id.encode(), encode(event))
    system.traffic.flush()
    return system.await_stored(system.ends())


def poison(system: System) -> float:
    """Send a thousand bad messages of ten kinds under load: each becomes a dead letter, good events are answered."""
    # With fewer readable events the breaker would open, as it should when most of a topic is unreadable.
    system.await_that(lambda: system.traffic.accepted >= 2 * POISON, f"{2 * POISON} readable events are sent")
    system.await_stored(system.ends())
    for value in islice(cycle(_POISON), POISON):
        system.traffic.send(b"user-1", value)
    system.traffic.flush()
    recovered_s = system.await_stored(system.ends())
    letters = sum(system.ends(DEAD_LETTERS).values())
    if letters < POISON:
        raise Unmet(f"{POISON} unreadable messages gave only {letters} dead letters")
    return recovered_s


def _click(number: int) -> Interaction:
    now_ms = time.time_ns() // 1_000_000
    user, item = f"user-{number % 50}", f"item-{number % 97}"
    return Interaction(event_id=f"twice-{number}", type="click", user_id=user, item_id=item, occurred_at_ms=now_ms)


_POISON = (
    b"{not json",
    b"\xff\xfe\x00",
    b"",
    b"null",
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
