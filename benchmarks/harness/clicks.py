"""Random clicks, uniform or skewed towards one partition, user or item; equal arguments give equal clicks."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from benchmarks.harness.load import Event
from sightline_client.routing import partition_of
from streams.wire.events import Interaction, encode

#: The partitions and the item to which a skew applies.
SPARSE, BUSY = 0, 1
HOT_ITEM = 0


@dataclass(frozen=True, slots=True)
class Skew:
    """Shares of all clicks in the busy partition, in the sparse partition, and on the hot item.

    With `one_user`, one user makes all clicks of the busy partition.
    """

    busy: float = 0.5
    sparse: float = 0.02
    hot_item: float = 0.0
    one_user: bool = False


def draw_clicks(users: int, items: int, rate: float) -> Iterator[Event]:
    """Yield clicks without end, `rate` a second by their timestamps: first one by each user, then random ones."""
    random, now_ms, number = Random(0), time.time_ns() // 1_000_000, 0  # noqa: S311 (no secret is drawn)
    while True:
        user = number if number < users else random.randrange(users)
        at_ms = now_ms + int(1000 * number / rate)
        yield _click(f"click-{number}", f"user-{user}", random.randrange(items), at_ms)
        number += 1


def draw_skewed_clicks(
    name: str, count: int, rate: float, skew: Skew, *, users: int, items: int, partitions: int
) -> list[Event]:
    """Draw `count` clicks, `rate` a second from now on; `name` is the prefix of the event ids and the seed."""
    random, now_ms = Random(name), time.time_ns() // 1_000_000  # noqa: S311 (no secret is drawn)
    by_partition: list[list[str]] = [[] for _ in range(partitions)]
    for user in (f"user-{number}" for number in range(users)):
        by_partition[partition_of(user.encode(), partitions)].append(user)
    busy = by_partition[BUSY][:1] if skew.one_user else by_partition[BUSY]
    sparse = by_partition[SPARSE]
    others = [user for number, members in enumerate(by_partition) if number not in (SPARSE, BUSY) for user in members]
    clicks = []
    for number in range(count):
        (group,) = random.choices((busy, sparse, others), (skew.busy, skew.sparse, 1 - skew.busy - skew.sparse))
        item = HOT_ITEM if random.random() < skew.hot_item else random.randrange(items)
        clicks.append(_click(f"{name}-{number}", random.choice(group), item, now_ms + int(1000 * number / rate)))
    return clicks


def _click(event_id: str, user_id: str, item: int, at_ms: int) -> Event:
    click = Interaction(event_id=event_id, type="click", user_id=user_id, item_id=f"item-{item}", occurred_at_ms=at_ms)
    return Event(event_id, user_id.encode(), encode(click))
