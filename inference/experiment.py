"""An experiment: users are split into arms, whose lists are made in different ways."""

import math
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from features.item import key_of
from features.recommendation import Source

#: How an arm orders its lists: `online` by the model that the workers apply (by the hand weights until there is one),
#: `weighted` by the hand weights, `popular` by popularity alone.
RankerName: TypeAlias = Literal["online", "weighted", "popular"]
#: What an event that names its list says of the slot.
Outcome: TypeAlias = Literal["shown", "clicked", "converted"]

_OUTCOMES: Final[dict[str, Outcome]] = {
    "view": "shown",
    "click": "clicked",
    "like": "converted",
    "save": "converted",
    "cart": "converted",
    "purchase": "converted",
}
_KEYS: Final = 2**64


def outcome_of(kind: str, dwell_ms: int | None = None) -> Outcome | None:
    """What an event of type `kind` that names its list says of the slot; None for nothing that is counted.

    A look at the item's page (a view with `dwell_ms`) comes after a click, so it does not count as shown: where an app
    publishes no impressions, all that was shown would have been clicked (docs/adr/0070).

    >>> outcome_of("view"), outcome_of("view", 4_000), outcome_of("click"), outcome_of("cart"), outcome_of("hide")
    ('shown', None, 'clicked', 'converted', None)
    """
    return None if kind == "view" and dwell_ms is not None else _OUTCOMES.get(kind)


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to make lists, and the `share` of the users who get it, 0 to 1.

    `without` are the sources that propose nothing; `weights` are signals with what strength 1 of them adds to a score,
    where that is not what the hand weights say (only of the ranker `weighted`).
    """

    name: str
    share: float
    ranker: RankerName = "online"
    without: frozenset[Source] = frozenset()
    weights: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Experiment:
    """The arms of an experiment; the first is the one that the others are compared with."""

    name: str
    arms: tuple[Arm, ...]

    def arm_of(self, user_id: str) -> Arm:
        """The arm of a user: a function of the experiment's name, the user's id, and the arms' names and shares.

        Each arm draws a number u in (0, 1) for the user, and the least -ln(u) / share wins: arm a does so with the
        chance of its share (weighted rendezvous hashing: Schindelhauer & Schomaker 2005, "Weighted Distributed Hash
        Tables"). So no user moves between two arms whose shares keep their ratio, whatever becomes of other arms, and
        experiments of other names split the users independently.

        >>> halves = Experiment("looks-1", (Arm("control", 0.5), Arm("popular", 0.5, "popular")))
        >>> [halves.arm_of(user).name for user in ("u1", "u2", "u3", "u4")]
        ['popular', 'control', 'popular', 'control']
        """
        return min(self.arms, key=lambda arm: -math.log(self._draw(arm, user_id)) / arm.share)

    def halves(self) -> "Experiment":
        """Two halves of the first arm, for those of its users: they get the same lists, so they should not differ."""
        first = self.arms[0]
        # No experiment can have this name, so the users are split independently of every one.
        return Experiment(f"{self.name}/aa", tuple(replace(first, name=f"{first.name}/{n}", share=0.5) for n in (1, 2)))

    def _draw(self, arm: Arm, user_id: str) -> float:
        # Names have no NUL, so that no two users, arms or experiments give the same text.
        return (key_of(f"{self.name}\0{arm.name}\0{user_id}") + 0.5) / _KEYS
