"""How a candidate without a slot stands against those that have one."""

from collections.abc import Sequence

import numpy as np

from features.jit import dot
from inference.catalog.copies import SAME_PICTURE
from inference.explain.explanation import Likeness, Standing
from inference.explain.made import Made
from inference.ranking.diversity import SHORTLIST, repetition
from inference.ranking.reasons import rounded
from inference.ranking.rules import has_room


def copied_slot(made: Made, row: int) -> Likeness | None:
    """The slot that has the picture of a row."""
    return _most_alike(made, row, range(len(made.items)), least=SAME_PICTURE)


def repeated_slot(made: Made, row: int) -> Likeness | None:
    """The slot that costs a row most, when the last slot is filled; None where no slot does."""
    return _most_alike(made, row, _by_score(made)[:-1], least=0.0)


def find_standing(made: Made, place: int) -> Standing:
    """The standing of a candidate that has no slot; the list has one slot at least."""
    scores = made.order.scores
    return Standing(
        rank=int((scores > scores[place]).sum()) + 1,
        candidates=len(scores),
        compared=min(SHORTLIST * made.order.picked.shape[1], len(scores)),
        score=made.score(place),
        last=made.slot(_by_score(made)[-1]),
    )


def is_pushed_down(made: Made, place: int, standing: Standing) -> bool:
    """Whether a candidate would have the last slot, but for what it repeats."""
    return standing.rank <= standing.compared and _beats_last(made, place, standing)


def is_capped(made: Made, row: int, place: int, standing: Standing) -> bool:
    """Whether a candidate would have the last slot, but for those of its category or owner that the list has."""
    catalog, picked = made.query.catalog, made.order.picked[0]
    caps = made.rules.caps(len(picked))
    if min(caps) >= len(picked):
        return False
    listed = made.candidates.rows[picked[picked >= 0]]
    is_full = not has_room(row, listed, catalog.categories, catalog.owners, *caps)
    return is_full and _beats_last(made, place, standing)


def _beats_last(made: Made, place: int, standing: Standing) -> bool:
    """Whether the score of a candidate is above what the last slot was filled for."""
    last = made.order.picked[0, standing.last.slot - 1]
    repeats = repeated_slot(made, int(made.candidates.rows[last]))
    worth = made.order.scores[last] - (repeats.costs or 0.0 if repeats else 0.0)
    return bool(made.order.scores[place] > worth)


def _by_score(made: Made) -> list[int]:
    """The slots that were filled by score, from 0: all but those that explore, and those of promotions."""
    given = made.order.explored[0] | made.order.placed[0]
    # Where the shop has all slots, the last of them stands for one that was filled by score.
    return [slot for slot in range(len(made.items)) if not given[slot]] or [len(made.items) - 1]


def _most_alike(made: Made, row: int, slots: Sequence[int], *, least: float) -> Likeness | None:
    """The slot most similar to a row, if that is `least` at least and costs something."""
    (vector,) = made.query.catalog.pictures.vectors(np.array([row]))
    # Python gets the float32 of a compiled function as its own wider float.
    alike = [(np.float32(dot(made.order.shown[0, slot], vector)), slot) for slot in slots]
    similarity, slot = max(alike, default=(np.float32(-1), -1))
    costs = np.float32(repetition(similarity))
    if similarity < least or costs <= 0:
        return None
    is_copy = np.isinf(costs)
    return Likeness(slot + 1, made.items[slot].item_id, rounded(similarity), None if is_copy else rounded(costs))
