"""What rises: groups of items that users choose more in the last hour than in the weeks before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.ledger import WEIGHT_LIMIT
from features.trends import at_time
from features.vision.colours import COLOUR_NAMES
from inference.catalog.catalog import Catalog
from sightline_client.trends import RISING_ITEMS_LIMIT, RISING_LIMIT, Rising, RisingKind

#: A group rises from this surprise on, and only if so much was chosen of it, as weights (a click is 1): more than one
#: user can add to an item (`features.profile.lift`), who clicks, likes and buys it while nobody else is there.
_LEAST_SURPRISE: Final = 3.0
_LEAST_WEIGHT: Final = WEIGHT_LIMIT + 1
#: Weight that is added to what is expected and to what came: one click does not make a rare group large.
_DAMPING: Final = 3.0
#: Cosine from which two pictures have one look: as pictures of one class mostly have, and of two hardly ever.
_ONE_LOOK: Final = 0.5
#: Looks that are compared, those of the items that users choose most now.
_LOOKS_LIMIT: Final = 64

#: The name of a group, and how far each of the leaders belongs to it, float32 [n], 0 to 1.
_Group = tuple[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Leaders:
    """The items that lead the table of trends, as they are in the catalogue: a copy, for another thread.

    `categories` int32 [n] are places in `category_names` (-1: none); `colours` has shares of COLOUR_NAMES as unit
    vectors, float32 [n, 17]; `vectors` float32 [n, dimensions] are zero without a picture; `popular` and `trend` are
    float32 [n], faded to now.
    """

    item_ids: Sequence[str]
    categories: NDArray[np.int32]
    category_names: Sequence[str]
    colours: NDArray[np.float32]
    vectors: NDArray[np.float32]
    popular: NDArray[np.float32]
    trend: NDArray[np.float32]


def leaders_of(table: NDArray[np.void], catalog: Catalog, now_ms: int) -> Leaders:
    """The items of the table of trends (`features.trends`) that the catalogue has and can show."""
    rows = catalog.rows_of(table["item"])
    places = np.flatnonzero(rows >= 0)
    places = places[catalog.can_be_shown(rows[places])]
    rows = rows[places]
    popular, trend = at_time(table[places], now_ms)
    return Leaders(
        [catalog.item_ids[row] for row in rows.tolist()],
        catalog.categories[rows],
        catalog.category_names,
        catalog.colours[rows],
        catalog.pictures.vectors(rows),
        popular,
        trend,
    )


def find_rising(leaders: Leaders) -> dict[RisingKind, list[Rising]]:
    """What rises, by kind; the most surprising first.

    `popular` fades with a half-life of a week, `trend` with one of an hour. Were nothing new, a group would have the
    same share of both: e = (Σ its popular / Σ popular) · Σ trend is expected of its trend t, as the mean of a Poisson
    distribution. So the surprise is (t - e) / √(e + d), and the lift (t + d) / (e + d), with the damping d.
    """
    return {
        "looks": _rising(leaders, _looks(leaders)),
        "categories": _rising(leaders, _categories(leaders)),
        "colours": _rising(leaders, _colours(leaders)),
    }


def _categories(leaders: Leaders) -> Iterator[_Group]:
    for code in np.unique(leaders.categories[leaders.categories >= 0]).tolist():
        yield leaders.category_names[code], (leaders.categories == code).astype(np.float32)


def _colours(leaders: Leaders) -> Iterator[_Group]:
    # The squares of a unit vector are shares.
    yield from zip(COLOUR_NAMES, np.square(leaders.colours).T, strict=True)


def _looks(leaders: Leaders) -> Iterator[_Group]:
    """Each item belongs to the first look that it is like (Hartigan's leader algorithm, the strongest trend first)."""
    left = np.any(leaders.vectors, axis=1)
    heads = (place for place in np.argsort(-leaders.trend, kind="stable").tolist() if left[place])
    for place in islice(heads, _LOOKS_LIMIT):
        members = left & (leaders.vectors @ leaders.vectors[place] >= _ONE_LOOK)
        members[place] = True
        left &= ~members
        yield leaders.item_ids[place], members.astype(np.float32)


def _rising(leaders: Leaders, groups: Iterator[_Group]) -> list[Rising]:
    total, total_popular = float(leaders.trend.sum()), float(leaders.popular.sum())
    if total <= 0 or total_popular <= 0:
        return []
    found: list[tuple[float, Rising]] = []
    for name, shares in groups:
        came = float(shares @ leaders.trend)
        expected = float(shares @ leaders.popular) / total_popular * total
        surprise = (came - expected) / (expected + _DAMPING) ** 0.5
        if came >= _LEAST_WEIGHT and surprise >= _LEAST_SURPRISE:
            lift = (came + _DAMPING) / (expected + _DAMPING)
            items = _strongest(leaders, shares * leaders.trend)
            found.append((surprise, Rising(name=name, lift=round(lift, 2), share=round(came / total, 4), items=items)))
    found.sort(key=lambda each: -each[0])
    return [rising for _, rising in found[:RISING_LIMIT]]


def _strongest(leaders: Leaders, weights: NDArray[np.float32]) -> list[str]:
    places = np.argsort(-weights, kind="stable")[:RISING_ITEMS_LIMIT]
    return [leaders.item_ids[place] for place in places.tolist() if weights[place] > 0]
