"""What an action teaches."""

from collections.abc import Mapping

from features.profile import weigh
from inference.ranking.lessons import ACTION_LIMIT


def lesson_weight(
    weights: Mapping[str, float],
    kind: str,
    *,
    rating: float | None = None,
    dwell_ms: int | None = None,
    duration_ms: int | None = None,
) -> float:
    """The weight of a lesson, -8 to 8, by the weight of each kind of action; 0 teaches nothing.

    An impression is no choice. It tells of the list that it was in by what the user chose from that instead.

    >>> weights = {"view": 1.0, "rate": 1.0, "click": 1.0}
    >>> lesson_weight(weights, "click"), lesson_weight(weights, "view"), lesson_weight(weights, "view", dwell_ms=30_000)
    (1.0, 0.0, 0.5)
    """
    weight = weights.get(kind, 0.0)
    if kind == "view":
        weight *= weigh("view", dwell_ms=dwell_ms, duration_ms=duration_ms) if dwell_ms is not None else 0.0
    elif kind == "rate":
        weight *= weigh("rate", rating=rating)
    return min(max(weight, -ACTION_LIMIT), ACTION_LIMIT)
