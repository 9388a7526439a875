"""Whether a topic still continues the state that was made from it (docs/adr/0002).

A position means something only in the log that it was counted in. A topic that was deleted and made anew counts from
0 again, a broker that lost data ends early, and retention takes away what a state may still need. In each case applying
what is there would give a state that no log explains, so it is refused until an operator has decided.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from state.partitions import START, Commit, PartitionStore
from streams.errors import LogMismatch
from streams.kafka.log_reader import Extent

#: Under this name each partition of the state keeps the id of the topic that it was made from.
TOPIC_ID = "topic"


@dataclass(frozen=True, slots=True)
class Log:
    """A topic as Kafka has it: the id that no other topic ever has, and what each of its partitions holds."""

    topic: str
    topic_id: str
    extents: Mapping[int, Extent]


async def check_log(log: Log, store: PartitionStore, partitions: Collection[int]) -> None:
    """Return if the log continues the state of these partitions; raises LogMismatch that names each where it does not.

    A state that was made from this topic for the first time is noted to be so.
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
    # Where another worker moves the position at this moment, it is that worker's to note.
    await store.commit(unnoted)


async def skip_lost(log: Log, store: PartitionStore) -> dict[int, int]:
    """Have the state go on at the log's first record: how many offsets that gives up, by partition where any.

    Only for an operator to decide: what lay there changes no profile any more.
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
    """How many offsets between a position and the first that is left; none for a state that has yet to begin."""
    return max(extent.first - position - 1, 0) if position != START else 0
