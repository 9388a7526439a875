"""By what items are compared: the network's look, a classic descriptor, words, or several with a weight each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self, get_args

from sightline_client.events import ComparedBy, DescriptorName

_NAMES: Final[tuple[ComparedBy, ...]] = get_args(ComparedBy)
_WEIGHT: Final = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Mix:
    """Weights that sum to 1, each above 0, by name in the order of the table."""

    weights: Mapping[ComparedBy, float]

    @classmethod
    def of(cls, weights: Mapping[ComparedBy, float]) -> Self:
        """The mix of non-negative weights of any sum; raises ValueError where all are 0."""
        total = sum(weights.values())
        if total <= 0:
            raise ValueError("no weight is above 0: give at least one, such as look=1")
        return cls({name: weights[name] / total for name in _NAMES if weights.get(name, 0) > 0})

    @classmethod
    def parse(cls, text: str) -> Self:
        """The mix of a text: `colour`, `all`, or names with weights; raises ValueError.

        >>> Mix.parse("colour").weights
        {'colour': 1.0}
        >>> str(Mix.parse("colour=1, look=3"))
        'look=0.75,colour=0.25'
        """
        if text.strip() == "all":
            return cls.of(ALL.weights)
        weights: dict[ComparedBy, float] = {}
        for part in text.split(","):
            given, is_given, weight = map(str.strip, part.partition("="))
            name = next((each for each in _NAMES if each == given), None)
            if name is None or name in weights:
                raise ValueError(f"{part[:100]!r} does not name one of {', '.join(_NAMES)}, each once, nor is it `all`")
            if is_given and not _WEIGHT.fullmatch(weight):
                raise ValueError(f"{part[:100]!r} has no weight of 0 or more, such as {name}=0.5")
            weights[name] = float(weight) if is_given else 1.0
        return cls.of(weights)

    @property
    def descriptors(self) -> list[DescriptorName]:
        """The descriptors that it needs."""
        return [name for name in self.weights if name != "look" and name != "words"]

    def __str__(self) -> str:
        return ",".join(f"{name}={weight:.4g}" for name, weight in self.weights.items())


#: The network alone, as the feed has it by default.
LOOK: Final = Mix({"look": 1.0})
#: What a query by words alone asks for.
WORDS: Final = Mix({"words": 1.0})
#: What a query by a picture and words asks for, where it does not say (docs/words.md has the figures).
LOOK_AND_WORDS: Final = Mix({"look": 0.5, "words": 0.5})
#: What `all` stands for (docs/similarity.md has its figures).
ALL: Final = Mix({"look": 0.75, "colour": 0.1, "texture": 0.05, "shape": 0.1})
