"""What the workers' topics must hold, given what was applied: a list for each user, a letter for each refusal."""

from collections.abc import Mapping, Sequence

import msgspec

from streams.replay.folds import Place
from streams.replay.list_order import ListOrder
from streams.replay.replayer import Replayer
from streams.replay.report import Difference, Report
from streams.wire.events import DeadLetter
from streams.wire.namespace import Namespace
from streams.wire.topics import DEAD_LETTERS, INTERACTIONS, RECOMMENDATIONS

_letter = msgspec.json.Decoder(DeadLetter)


def compare_lists(
    replayer: Replayer,
    last: Mapping[str, tuple[int, Place]],
    withdrawn: Mapping[str, int],
    held: Mapping[int, int],
    report: Report,
) -> None:
    """Judge the lists (see `streams.replay.list_order`) by each user's last event and the positions held, by partition.

    `withdrawn` are the users who took their list back, and their partitions.
    """
    answers = ListOrder()
    oldest: dict[int, int] = {}
    for record in replayer.read(RECOMMENDATIONS):
        oldest.setdefault(record.partition, record.timestamp_ms)
        answers.add(record)
    # A partition that holds its first record has lost none by age.
    whole = all(extent.first == 0 for extent in replayer.extents_of(RECOMMENDATIONS).values())
    kept_from_ms = 0 if whole else max(oldest.values(), default=0)
    report.lists, report.repeats = answers.lists, answers.repeats
    for user, count in answers.out_of_order({user: held[p] for user, (p, _) in last.items()}).items():
        report.out_of_order += count
        report.show(Difference("list", user, f"{count} lists from an older state were made after the newest"))
    places = {user: place for user, (_, place) in last.items()}
    for user, place in answers.unanswered(places, kept_from_ms=kept_from_ms).items():
        report.unanswered += 1
        report.show(Difference("list", user, f"no list has a seq of {place.offset} or above"))
    for user, partition in withdrawn.items():
        # A newer one answers an event that came after, and is not stored yet.
        if answers.standing.get(user, held[partition] + 1) <= held[partition]:
            report.not_withdrawn += 1
            report.show(Difference("list", user, "took the list back, and it is still there"))


def compare_letters(
    replayer: Replayer, namespace: Namespace, refused: Mapping[int, Sequence[int]], report: Report
) -> None:
    """Each event that cannot be used must be found in the dead letters; one that is not is lost."""
    missing = {(partition, offset) for partition, offsets in refused.items() for offset in offsets}
    if not missing:
        return
    for record in replayer.read(DEAD_LETTERS):
        try:
            letter = _letter.decode(record.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if letter.topic == namespace.topic(INTERACTIONS):
            missing.discard((letter.partition, letter.offset))
    report.lost += len(missing)
    for partition, offset in sorted(missing):
        report.show(
            Difference("dead letter", f"{INTERACTIONS.name}[{partition}] offset {offset}", "was refused without one")
        )
