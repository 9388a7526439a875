"""Prints explanations: a list with what led to it, or why an item is in it or is not."""

from collections.abc import Mapping

from rich.table import Column, Table

from cli.output import results
from cli.reasons import sentence
from cli.user.why import answer_in_words, verdict_in_words
from inference.explain.explanation import Explanation, ItemExplanation, Score, SignalPart, Slot


def print_list(user_id: str, found: Explanation) -> None:
    """Print each slot with its sources, the shares of its signals and its reasons."""
    console = results()
    item = Column("item", overflow="fold")
    table = Table("#", item, "score", "from", "signals", "why", title=f"the list of user {user_id} now")
    for slot in found.slots:
        why = "; ".join(map(sentence, slot.item.reasons))
        table.add_row(
            str(slot.slot),
            slot.item.item_id,
            f"{slot.score.score:.3f}",
            ", ".join(slot.proposed_by),
            _shares(slot.score),
            f"kept for a new item; {why}" if slot.item.explore else why,
        )
    console.print(table)
    _print_user(user_id, found)


def print_item(user_id: str, found: Explanation, item: ItemExplanation) -> None:
    """Print why an item is in the list or is not, what each source says of it, and its score."""
    console = results()
    console.print(f"{item.item_id!r} {verdict_in_words(item)}", soft_wrap=True)
    for answer in item.sources:
        console.print(f"  {answer.source}: {answer_in_words(answer)}", soft_wrap=True)
    if item.slot is not None:
        slot = found.slots[item.slot - 1]
        for reason in slot.item.reasons:
            console.print(f"  because: {sentence(reason)}", soft_wrap=True)
        console.print(_score_table(slot.score))
    elif item.standing is not None:
        console.print(_score_table(item.standing.score, item.standing.last))
    _print_user(user_id, found)


def _print_user(user_id: str, found: Explanation) -> None:
    console = results()
    if found.opted_out or not found.known:
        why = "opted out, and no profile is kept" if found.opted_out else "is unknown: nothing is stored"
        console.print(f"user {user_id!r} {why}; the list has what is trending, popular and new", soft_wrap=True)
    filtered = ", ".join(f"{count} {name}" for name, count in found.filtered.items()) or "none"
    ranker, encoder = found.model["ranker"], found.model["encoder"]
    arm = f" · arm {found.arm}" if found.arm is not None else ""
    console.print(f"{found.candidates} candidates · taken out: {filtered} · {ranker} · {encoder}{arm}", soft_wrap=True)


def _shares(score: Score) -> str:
    """The signals as shares of the score, or as parts of it where it has no shares."""
    parts = [f"{part.code} {part.adds:+.2f}" if part.share is None else _share(part) for part in score.signals]
    return ", ".join([*parts, *([f"others {score.others:+.2f}"] if score.others else [])])


def _share(part: SignalPart) -> str:
    return f"{part.code} {part.share:.0%}"


def _score_table(score: Score, last: Slot | None = None) -> Table:
    """The signals of an item, beside those of the last slot where it has none."""
    table = Table("signal", "value", "weight", "adds", "share")
    theirs: Mapping[str, SignalPart] = {} if last is None else {part.code: part for part in last.score.signals}
    if last is not None:
        table.add_column(f"slot {last.slot}: {last.item.item_id}")
    ours: Mapping[str, SignalPart] = {part.code: part for part in score.signals}
    for code in dict.fromkeys([*ours, *theirs]):
        part, other = ours.get(code), theirs.get(code)
        cells = ("", "", "", "") if part is None else _cells(part)
        table.add_row(code, *cells, *([] if last is None else [f"{other.adds if other else 0:+.4f}"]))
    beside = [] if last is None else [last.score]
    if any(each.others for each in (score, *beside)):
        table.add_row(
            "others",
            "",
            "",
            f"{score.others:+.4f}",
            "",
            *(f"{each.others:+.4f}" for each in beside),
        )
    table.add_row("score", "", "", f"{score.score:.4f}", "", *(f"{each.score:.4f}" for each in beside))
    return table


def _cells(part: SignalPart) -> tuple[str, str, str, str]:
    weight = f"{part.adds / part.value:.2g}" if part.value else ""
    return f"{part.value:.4f}", weight, f"{part.adds:+.4f}", "" if part.share is None else f"{part.share:.1%}"
