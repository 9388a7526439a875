"""The colours that words name: who says "red checked shirt" is after what is red, and pictures show that best."""

import re
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.vision.colours import COLOUR_NAMES, likeness_of_names

#: Other words for our colours.
_ALSO: Final = {
    "gray": "grey",
    "scarlet": "red",
    "crimson": "red",
    "maroon": "burgundy",
    "teal": "turquoise",
    "violet": "purple",
    "lilac": "purple",
}


def named_colours(text: str) -> NDArray[np.float32] | None:
    """How much of each of COLOUR_NAMES is meant by a text in English, as a unit vector float32 [17].

    Colours near a named one are meant a little, too: what one person calls red, another calls burgundy. None where no
    colour is named.

    >>> COLOUR_NAMES[int(named_colours("a Light Blue shirt").argmax())], named_colours("a reddish shirt")
    ('light blue', None)
    """
    names = sorted({_ALSO.get(name, name) for name in _pattern().findall(text.lower())})
    if not names:
        return None
    meant: NDArray[np.float32] = likeness_of_names()[[COLOUR_NAMES.index(name) for name in names]].sum(axis=0)
    return meant / np.linalg.norm(meant)


@cache
def _pattern() -> re.Pattern[str]:
    """Finds the longest names: "light blue" is not blue."""
    names = sorted((*COLOUR_NAMES, *_ALSO), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")
