"""The verification of the output topics: a list for each user, and a dead letter for each refused event."""

from collections.abc import Mapping, Sequence

from streams.processing.dead_letters import read_letter
from streams.replay.folds import Place
from streams.replay.list_order import ListOrder
from streams.replay.replayer import Replayer
from streams.replay.report import Difference, Report
from streams.wire.namespace import Namespace
from streams.wire.topics import DEAD_LETTERS, INTERACTIONS, RECOMMENDATIONS


def compare_lists(
    replayer: Replayer,
    last: Mapping[str, tuple[int, Place]],
    withdrawn: Mapping[str, int],
    positions: Mapping[int, int],
    report: Report,
) -> None:
    """Compare the lists with each user's last event, by the rules of `streams.replay.list_order`.

    `last` has the partition and place of each user's last event. `withdrawn` has the partition of each user who
    withdrew the list. `positions` are the stored positions of events.interactions, by partition.
    """
    order = ListOrder()
    oldest: dict[int, int] = {}
    for record in replayer.read(RECOMMENDATIONS):
        oldest.setdefault(record.partition, record.timestamp_ms)
        order.add(record)
    # Retention has deleted nothing from partitions that hold their first record.
    whole = all(extent.first == 0 for extent in replayer.extents_of(RECOMMENDATIONS).values())
    kept_from_ms = 0 if whole else max(oldest.values(), default=0)
    report.lists, report.repeats = order.lists, order.repeats
    for user, count in order.out_of_order({user: positions[p] for user, (p, _) in last.items()}).items():
        report.out_of_order += count
        report.show(Difference("list", user, f"{count} lists from an older state were made after the newest"))
    places = {user: place for user, (_, place) in last.items()}
    for user, place in order.unanswered(places, kept_from_ms=kept_from_ms).items():
        report.unanswered += 1
        report.show(Difference("list", user, f"no list has a seq of {place.offset} or above"))
    for user, partition in withdrawn.items():
        # A newer list answers a later event that is not stored yet.
        if order.standing.get(user, positions[partition] + 1) <= positions[partition]:
            report.not_withdrawn += 1
            report.show(Difference("list", user, "took the list back, and it is still there"))


def compare_letters(
    replayer: Replayer, namespace: Namespace, refused: Mapping[int, Sequence[int]], report: Report
) -> None:
    """Check that each refused event is in the dead letters; one that is not counts as lost.

    `refused` has the offsets of the refused events, by partition of events.interactions.
    """
    missing = {(partition, offset) for partition, offsets in refused.items() for offset in offsets}
    if not missing:
        return
    for record in replayer.read(DEAD_LETTERS):
        letter = read_letter(record.value)
        if letter is not None and letter.topic == namespace.topic(INTERACTIONS):
            missing.discard((letter.partition, letter.offset))
    report.lost += len(missing)
    for partition, offset in sorted(missing):
        report.show(
            Difference("dead letter", f"{INTERACTIONS.name}[{partition}] offset {offset}", "was refused without one")
        )
