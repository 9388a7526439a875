"""Simulated shoppers: each has a taste, looks around, and clicks items that fit it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from streams.wire.events import Interaction, InteractionType, Recommendations

_NAMES = (
    "ada", "bela", "cleo", "dana", "emil", "faye", "gus", "hana", "ivo", "june", "kai", "lena", "milo",
    "nora", "otis", "pia", "quin", "rosa", "sami", "tess", "ugo", "vera", "wim", "xena", "yuri", "zoe",
)  # fmt: skip
_LOOK_MS = 9_000


@dataclass(frozen=True, slots=True)
class Product:
    """The properties of an item that a shopper sees."""

    item_id: str
    title: str
    category: str
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Taste:
    """Likes items of these categories or of this colour."""

    categories: tuple[str, ...] = ()
    colour: str | None = None

    def likes(self, product: Product) -> bool:
        """Whether the product fits."""
        return product.category in self.categories or (self.colour is not None and product.colour == self.colour)

    def __str__(self) -> str:
        return f"anything {self.colour}" if self.colour is not None else " and ".join(self.categories)


@dataclass(frozen=True, slots=True)
class Shopper:
    """A user with a taste; `name` is for display."""

    user_id: str
    name: str
    taste: Taste


def invite(products: Sequence[Product], count: int, *, run: str, seed: int) -> list[Shopper]:
    """Shoppers who like a category, two categories, or a colour, in turn; only a category if no colours are known.

    User ids contain `run`, so that each run begins with new users.
    """
    categories = _shuffled({product.category for product in products}, seed)
    colours = _shuffled({product.colour for product in products if product.colour is not None}, seed)
    return [
        Shopper(f"{_name(number)}-{run}", _name(number).capitalize(), _taste(categories, colours, number))
        for number in range(count)
    ]


def _shuffled(names: set[str], seed: int) -> list[str]:
    shuffled = sorted(names)
    Random(f"{seed}/tastes").shuffle(shuffled)  # noqa: S311 (shoppers, not secrets)
    return shuffled


def _name(number: int) -> str:
    again, at = divmod(number, len(_NAMES))
    return f"{_NAMES[at]}-{again + 1}" if again else _NAMES[at]


def _taste(categories: Sequence[str], colours: Sequence[str], number: int) -> Taste:
    first = categories[number % len(categories)]
    if not colours or number % 3 == 0:
        return Taste((first,))
    if number % 3 == 1:
        return Taste(tuple(dict.fromkeys((first, categories[(number + 3) % len(categories)]))))
    return Taste(colour=colours[number % len(colours)])


@dataclass(frozen=True, slots=True)
class _Choice:
    """An item, and the list in which it was seen, if any."""

    item_id: str
    seen_in: Recommendations | None = None


class Visit:
    """The endless visit of one shopper: glance at any item, look at one that fits, click it, repeat.

    Every other time she takes the item from the newest list, if one there fits. She clicks at most half of the items
    that she likes, then returns to these, so that there is always something left to recommend.
    """

    def __init__(self, shopper: Shopper, products: Sequence[Product], *, run: str, seed: int) -> None:
        self._shopper = shopper
        self._items = [product.item_id for product in products]
        self._liked = [product.item_id for product in products if shopper.taste.likes(product)]
        self._random = Random(f"{seed}/{shopper.name}")  # noqa: S311
        self._session = f"{shopper.user_id}-{run}"
        self._acts = 0
        self._choice: _Choice
        self.clicked: list[str] = []

    @property
    def user_id(self) -> str:
        """The id of the shopper."""
        return self._shopper.user_id

    def act(self, newest: Recommendations | None, now_ms: int) -> Interaction:
        """Her next interaction after she has seen `newest`."""
        step, self._acts = self._acts % 3, self._acts + 1
        if step == 0:
            return self._interaction("view", _Choice(self._random.choice(self._items)), None, now_ms)
        if step == 1:
            self._choice = self._choose(newest)
            return self._interaction("view", self._choice, _LOOK_MS, now_ms)
        self.clicked.append(self._choice.item_id)
        return self._interaction("click", self._choice, None, now_ms)

    def _choose(self, newest: Recommendations | None) -> _Choice:
        clicked = set(self.clicked)
        if len(clicked) >= max(1, len(self._liked) // 2):
            return _Choice(self._random.choice(self.clicked))
        if newest is not None and len(clicked) % 2:
            offered = [item.item_id for item in newest.items if item.item_id in set(self._liked) - clicked]
            if offered:
                return _Choice(offered[0], newest)
        return _Choice(self._random.choice([item for item in self._liked if item not in clicked]))

    def _interaction(self, kind: InteractionType, choice: _Choice, dwell_ms: int | None, now_ms: int) -> Interaction:
        seen_in = choice.seen_in
        return Interaction(
            event_id=f"{self._session}-{self._acts}",
            occurred_at_ms=now_ms,
            type=kind,
            user_id=self._shopper.user_id,
            item_id=choice.item_id,
            session_id=self._session,
            dwell_ms=dwell_ms,
            rec_id=seen_in.rec_id if seen_in else None,
            position=[item.item_id for item in seen_in.items].index(choice.item_id) if seen_in else None,
            surface="feed" if seen_in else "catalogue",
        )


def fitting(shopper: Shopper, items: Sequence[str], products: Mapping[str, Product]) -> int:
    """The number of these items that the shopper likes; items missing from `products` do not count."""
    return sum(item in products and shopper.taste.likes(products[item]) for item in items)
