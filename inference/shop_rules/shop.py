"""A shop's rules as lists go by them: worked out when the rules, the hour or the catalogue made it necessary."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.catalog.catalog import Catalog
from inference.retrieval.trends import Trends
from inference.shop_rules.proposing import find_promoted
from inference.shop_rules.rules import ShopRules
from inference.shop_rules.standing import StandingRules, find_standing

#: How long the rows that promotions propose are used: to find them takes a look at every item, and others get a turn.
_PROPOSED_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class _Proposed:
    rows: NDArray[np.int64]
    of: StandingRules
    made_ms: int

    def serves(self, standing: StandingRules, now_ms: int) -> bool:
        same_time = (self.of.since_ms, self.of.until_ms) == (standing.since_ms, standing.until_ms)
        return same_time and abs(now_ms - self.made_ms) < _PROPOSED_MS


class Shop:
    """The rules of one shop for one catalogue. Not thread-safe."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._rules: ShopRules | None = None
        self._standing: StandingRules | None = None
        self._proposed: _Proposed | None = None

    def apply(self, rules: ShopRules | None) -> None:
        """Go by these rules from now on; None: by none."""
        if rules is not self._rules:
            self._rules, self._standing, self._proposed = rules, None, None

    def standing(self, now_ms: int) -> StandingRules | None:
        """The rules that hold now; None where none does."""
        if self._rules is None:
            return None
        if self._standing is None or not self._standing.serves(now_ms, self._catalog.changes):
            self._standing = find_standing(self._rules, self._catalog, now_ms)
        return self._standing if len(self._standing.keys) else None

    def proposed(self, standing: StandingRules, trends: Trends, now_ms: int) -> NDArray[np.int64]:
        """The rows that the promotions among them propose, int64 [n]."""
        if self._proposed is None or not self._proposed.serves(standing, now_ms):
            turn = now_ms // _PROPOSED_MS
            self._proposed = _Proposed(find_promoted(standing, self._catalog, trends, turn), standing, now_ms)
        return self._proposed.rows
