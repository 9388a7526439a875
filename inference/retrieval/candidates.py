"""From a batch of users to a few hundred items each that are worth ranking: sources, merge, dials, filters.

Each step takes all users of a batch, and loops over candidates are compiled (docs/adr/0011). Everything here is a
function of its arguments. Rows are rows of the catalogue replica.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.recommendation import Source
from inference.retrieval.exhaustive import best_allowed
from inference.retrieval.filters import FILTERS, NOT_EXCLUDED, apply_filters
from inference.retrieval.merge import ACROSS, CO_CHOICE, NO_ROWS, SESSION, Proposals, merge
from inference.retrieval.preferences import Wishes, wishes_of
from inference.retrieval.query import Query
from inference.retrieval.sources.table import PROMOTED, SOURCE_NAMES, SOURCES

_NOTHING = Proposals((NO_ROWS,))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates of u users, one user after the other: those of user i are at `bounds[i]` to `bounds[i + 1]`.

    Each row once for a user. `users` and `rows` int64 [m] with `sources` int8 [m] (places in SOURCE_NAMES).
    `strengths` float32 [m], 0 to 1, is how strongly it follows from `origins` int64 [m], a row that the user engaged
    with; -1 for none. `session_…` say the same by sessions like the user's, `look_…` by a look in another category.
    `proposers` int32 [m] has bit s where source s of SOURCE_NAMES proposed the row. `wishes` are the users' dials for
    the rows. `filtered` counts for each user what was taken out, by the name of the filter. While rules of the shop
    hold, `boosts` float32 [m] are what they say of the rows, and `promotions` uint64 [m] (`shop_rules.standing.Marks`).
    """

    users: NDArray[np.int64]
    rows: NDArray[np.int64]
    bounds: NDArray[np.int64]
    sources: NDArray[np.int8]
    strengths: NDArray[np.float32]
    origins: NDArray[np.int64]
    session_strengths: NDArray[np.float32]
    session_origins: NDArray[np.int64]
    cross_strengths: NDArray[np.float32]
    cross_origins: NDArray[np.int64]
    proposers: NDArray[np.int32]
    wishes: Wishes
    filtered: list[dict[str, int]]
    boosts: NDArray[np.float32] | None = None
    promotions: NDArray[np.uint64] | None = None

    @property
    def only_promoted(self) -> NDArray[np.bool_]:
        """Which candidates only the shop proposes, bool [m]: they can have no other slots than those of promotions."""
        only: NDArray[np.bool_] = self.sources == PROMOTED
        return only

    def sources_of(self) -> list[NDArray[np.int8]]:
        """The sources of each user's candidates."""
        return [self.sources[start:end] for start, end in pairwise(self.bounds.tolist())]


def count_sources(sources: NDArray[np.int8]) -> dict[Source, int]:
    """How many candidates are credited to each source, from places in SOURCE_NAMES [n]."""
    return dict(zip(SOURCE_NAMES, np.bincount(sources, minlength=len(SOURCE_NAMES)).tolist(), strict=True))


def generate_candidates(query: Query) -> Candidates:
    """Find the candidates of up to USERS_LIMIT users: all sources, merged, then filtered."""
    proposed = propose(query)
    # What was refused goes with the proposals, and the filters find it there.
    merged = merge([*proposed.values(), Proposals(query.tastes.refused)], len(query.profiles))
    wishes = wishes_of(query.profiles, merged.users, merged.rows, query.catalog)
    marks = None if query.shop is None else query.shop.marks(merged.rows, query.catalog)
    kept, bounds, filtered = apply_filters(
        query, merged, wishes.weights, NOT_EXCLUDED if marks is None else marks.excluded_by
    )
    wishes, rows = wishes.of(kept), merged.rows.take(kept)
    strengths = np.minimum(merged.strengths.take(kept, axis=1), np.float32(1.0))
    origins = merged.origins.take(kept, axis=1)
    return Candidates(
        merged.users.take(kept),
        rows,
        bounds,
        merged.first.take(kept),
        strengths[CO_CHOICE],
        origins[CO_CHOICE],
        strengths[SESSION],
        origins[SESSION],
        strengths[ACROSS],
        origins[ACROSS],
        merged.proposers.take(kept),
        wishes,
        [{name: number for name, number in zip(FILTERS, each, strict=True) if number} for each in filtered.tolist()],
        *(() if marks is None else _within(query, wishes, marks.boosts.take(rows), marks.promotions.take(rows))),
    )


def _within(
    query: Query, wishes: Wishes, boosts: NDArray[np.float32], promotions: NDArray[np.uint64]
) -> tuple[NDArray[np.float32], NDArray[np.uint64]]:
    """What the shop wants as far as it may: no boost is above a dial of the user, and the unwanted is not promoted."""
    if "promoted" in query.without:
        boosts[:], promotions[:] = 0, 0
    elif any(len(profile.dials) for profile in query.profiles):
        boosts[wishes.weights != 0] = 0
        promotions[wishes.weights < 0] = 0
    return boosts, promotions


def propose(query: Query) -> dict[Source, Proposals]:
    """What each source proposes."""
    # A source that is left out has its place: sources are known by their numbers.
    proposed = {name: source(query) if name not in query.without else _NOTHING for name, source in SOURCES.items()}
    return proposed | _exhaustive(query) if query.is_exhaustive else proposed


def _exhaustive(query: Query) -> dict[Source, Proposals]:
    """The best of all that each user may be shown, as what looks like an interest, or as what is new.

    An experiment that leaves out both changes which of them these are, but leaves no list short.
    """
    found = [best_allowed(query, user) for user in range(len(query.profiles))]
    return {
        "visual": Proposals([each.nearest for each in found]),
        "fresh": Proposals([each.newest for each in found]),
    }
