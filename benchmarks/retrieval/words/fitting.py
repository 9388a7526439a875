"""How far words fit what is said and what is seen: which words fit nothing, and what one counts beside the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.retrieval.words.measure import Embed, Matrix, Words, p_at_10
from inference.words.pictures import SEEN_LENGTH

#: What neither a grocer nor a clothes shop has, and what says nothing.
FOREIGN: Final = (
    *("car tyres", "laptop charger", "guitar strings", "printer ink", "garden hose", "hammer and nails", "HDMI cable"),
    *("baby stroller", "dog leash", "tax return form", "mortgage interest rate", "wedding invitation", "desk lamp"),
    *("football tickets", "novel by Tolstoy", "quantum mechanics lecture", "sofa", "wall paint", "lawn mower"),
    *("smartphone", "piano lessons", "chess board", "toothbrush", "vacuum cleaner", "camping tent", "fishing rod"),
    *("skateboard", "cordless drill", "jigsaw puzzle", "office chair", "curtain rail", "hotel in Paris", "bus ticket"),
    *("flight to Berlin", "electric scooter", "window cleaner", "asdfgh", "xyzzy", "lorem ipsum dolor", "kjhgfdsa"),
)
#: The least cosines that are tried.
TRIED: Final = (0.3, 0.35, 0.4, 0.45)
#: The lengths of the vectors of what is seen that are tried beside vectors of words.
LENGTHS: Final = (1.0, 0.9, SEEN_LENGTH, 0.7, 0.5)


@dataclass(frozen=True, slots=True)
class Fit:
    """Shares of words that find anything, `fitting` and `foreign` ones, and of items that are found by their words."""

    least: float
    fitting: float
    foreign: float
    found: float


def measure_fit(items: Matrix, said: Sequence[str], embed: Embed) -> list[Fit]:
    """By each of TRIED, for items with unit vectors [n, DIMENSIONS] of which these words [n] are said."""
    asked = [*dict.fromkeys(said)]
    fitting, foreign = (embed(texts) @ items.T for texts in (asked, FOREIGN))
    own = np.array([[text == each for each in said] for text in asked])
    return [
        Fit(
            least,
            round(float((fitting.max(axis=1) >= least).mean()), 4),
            round(float((foreign.max(axis=1) >= least).mean()), 4),
            round(float((fitting[own] >= least).mean()), 4),
        )
        for least in TRIED
    ]


def measure_beside(photos: Words, texts: Matrix) -> dict[str, float]:
    """P@10 of the words of photos by each of LENGTHS, where every second one has its text [n, DIMENSIONS]."""
    has_text = (np.arange(len(texts)) % 2 == 0)[:, None]
    mixed = {length: np.where(has_text, texts, np.float32(length) * photos.seen) for length in LENGTHS}
    return {f"{length:g}": p_at_10(photos, vectors) for length, vectors in mixed.items()}
