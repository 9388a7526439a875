"""Checks that a topic still continues the state that was computed from it (docs/adr/0002).

A position has a meaning only in the log in which it was counted. A topic that was deleted and created again counts
from 0, a broker that lost data ends early, and retention may delete records that the state still needs. In each case,
to apply the remaining records would give a state that no log explains. So it is refused until an operator decides.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from state.partitions import START, Commit, PartitionStore
from streams.errors import LogMismatch
from streams.kafka.log_reader import Extent

#: The field in which each partition of the state keeps the id of the topic that it was computed from.
TOPIC_ID = "topic"
#: The field with the number of partitions that the topic had then: a key's partition depends on it.
PARTITIONS = "partitions"


@dataclass(frozen=True, slots=True)
class Log:
    """A topic in Kafka: its id, which is unique for ever, and the offsets that each partition holds."""

    topic: str
    topic_id: str
    extents: Mapping[int, Extent]


async def check_log(log: Log, store: PartitionStore, partitions: Collection[int]) -> None:
    """Return if the log continues the state of these partitions, else raise LogMismatch, which names each that differs.

    A partition that has no topic id yet gets the id of this topic.
    """
    loaded = await store.load({partition: [TOPIC_ID] for partition in partitions})
    problems, unnoted = [], []
    for partition, found in loaded.items():
        (noted,) = found.values
        if noted is None:
            unnoted.append(Commit(partition, found.position, found.position, {TOPIC_ID: log.topic_id.encode()}))
        made_from = log.topic_id if noted is None else noted.decode()
        if problem := _problem(log, partition, found.position, made_from):
            problems.append(f"{log.topic}[{partition}] {problem}")
    if problems:
        raise LogMismatch("\n".join(problems))
    # A refused commit needs no repeat: another worker has just moved the position, and stores the id itself.
    await store.commit(unnoted)


async def check_count(log: Log, store: PartitionStore) -> None:
    """Raise LogMismatch if the state was made from this topic when it had another number of partitions.

    A worker asks this once, before it takes any partition: one that runs when partitions are added goes on for the
    users whose partition stays. A partition without a count gets that of this topic.
    """
    loaded = await store.load({partition: [TOPIC_ID, PARTITIONS] for partition in log.extents})
    for found in loaded.values():
        if problem := grown(log, *found.values, so="users would be without their profiles"):
            raise LogMismatch(problem)
    await store.commit(
        [
            Commit(partition, found.position, found.position, {PARTITIONS: topic_notes(log)[PARTITIONS]})
            for partition, found in loaded.items()
            if found.values[1] is None
        ]
    )


def grown(log: Log, made_from: bytes | None, count: bytes | None, *, so: str) -> str | None:
    """Say what to do if a partition of the state was made from this topic (its id) when it had another count.

    `so` says what would go wrong.
    """
    now = topic_notes(log)
    if count is None or count == now[PARTITIONS] or made_from != now[TOPIC_ID]:
        return None
    return (
        f"{log.topic} has {len(log.extents)} partitions, but the state was made from {count.decode()}: a key's "
        f"partition depends on the count, so {so}. "
        f"`sightline topics grow {len(log.extents)}` says how to move to more partitions"
    )


def topic_notes(log: Log) -> dict[str, bytes]:
    """What each partition of the state notes of the topic that it was made from."""
    return {TOPIC_ID: log.topic_id.encode(), PARTITIONS: b"%d" % len(log.extents)}


async def skip_lost(log: Log, store: PartitionStore) -> dict[int, int]:
    """Move positions behind what retention deleted; returns the number of lost offsets by partition, where any.

    Only an operator may decide this: the lost records will never change a profile.
    """
    positions = await store.positions(sorted(log.extents))
    lost = {partition: _cut(position, log.extents[partition]) for partition, position in positions.items()}
    skips = [Commit(p, positions[p], log.extents[p].first - 1, {}) for p, count in lost.items() if count]
    refused = await store.commit(skips)
    return {commit.partition: lost[commit.partition] for commit in skips if commit.partition not in refused}


def _problem(log: Log, partition: int, position: int, made_from: str) -> str | None:
    extent = log.extents.get(partition, Extent(0, 0))
    if made_from != log.topic_id:
        return (
            f"is another topic than the one of this name that the state was made from, up to offset {position} (its id "
            f"was {made_from}, now it is {log.topic_id}). Make the state anew with `sightline rebuild`"
        )
    if position >= extent.end:
        return (
            f"ends before offset {extent.end}, but the state holds the effect of offset {position}: the topic was made "
            "anew or lost its end. Make the state anew with `sightline rebuild`"
        )
    if lost := _cut(position, extent):
        return (
            f"begins at offset {extent.first}, but the state only holds the effect of offset {position}: retention "
            f"took up to {lost} events that were never applied. Go on without them with `sightline positions skip-lost`"
        )
    return None


def _cut(position: int, extent: Extent) -> int:
    """The number of offsets lost between a position and the first retained record; 0 for a state without a position."""
    return max(extent.first - position - 1, 0) if position != START else 0
