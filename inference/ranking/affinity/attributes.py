"""How much of what a user chose has the attributes of a candidate: its brand, its material, its style."""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled

#: What is left to full strength by an attribute that all of the user's items have, and hardly any other item.
_LEFT = np.float32(0.5)
#: Places of the table of a user's attributes, a power of two: more than 32 items of 20 attributes fill.
_PLACES = 1024


@compiled
def same_attribute(
    bounds: NDArray[np.int64],
    rows: NDArray[np.int64],
    taste_rows: NDArray[np.int64],
    taste_weights: NDArray[np.float32],
    codes: NDArray[np.int32],
    counts: NDArray[np.int32],
    described: int,
) -> NDArray[np.float32]:
    """1 - Π (1 - share · rarity / 2) over the attributes of each candidate [m], 0 to below 1 (a noisy or: Pearl 1988).

    The share is that of the user's items with the attribute, by weight; the rarity is that of the `described` items
    without it, so that what every item has says nothing. `taste_rows` and `taste_weights` are those of Tastes [u, n],
    `codes` and `counts` those of AttributeRows.
    """
    signal = np.zeros(len(rows), np.float32)
    if described == 0:
        return signal
    known, shares = np.zeros(_PLACES, np.int32), np.zeros(_PLACES, np.float32)
    for user in range(len(taste_rows)):
        if not _note(taste_rows[user], taste_weights[user], codes, known, shares):
            continue
        for candidate in range(bounds[user], bounds[user + 1]):
            left = np.float32(1)
            for code in codes[rows[candidate]]:
                if code == 0:
                    break
                place = _place(known, code)
                if known[place] == code:
                    left *= 1 - _LEFT * shares[place] * _rarity(code, counts, described)
            signal[candidate] = 1 - left
        known[:] = 0
        shares[:] = 0
    return signal


@compiled
def strongest_attribute(
    row: int,
    taste_rows: NDArray[np.int64],
    taste_weights: NDArray[np.float32],
    codes: NDArray[np.int32],
    counts: NDArray[np.int32],
    described: int,
) -> int:
    """The code of the attribute of a row that says most to one user with these tastes [n]; 0 for none."""
    strongest, most = 0, np.float32(0)
    known, shares = np.zeros(_PLACES, np.int32), np.zeros(_PLACES, np.float32)
    _note(taste_rows, taste_weights, codes, known, shares)
    for code in codes[row]:
        if code == 0:
            break
        place = _place(known, code)
        strength = shares[place] * _rarity(code, counts, described)
        if known[place] == code and strength > most:
            strongest, most = code, strength
    return strongest


@compiled
def _note(
    rows: NDArray[np.int64],
    weights: NDArray[np.float32],
    codes: NDArray[np.int32],
    known: NDArray[np.int32],
    shares: NDArray[np.float32],
) -> bool:
    """Write the attributes of one user's items into an empty table, by share; whether there are any."""
    found = False
    for item in range(len(rows)):
        if rows[item] >= 0:
            for code in codes[rows[item]]:
                if code == 0:
                    break
                place = _place(known, code)
                known[place] = code
                shares[place] += weights[item]
                found = True
    return found


@compiled
def _place(known: NDArray[np.int32], code: np.int32) -> int:
    """Where a code stands in the table, or would (linear probing, multiplicative hash: Knuth 1973)."""
    place = (np.int64(code) * 2654435761 >> 16) & (_PLACES - 1)
    while known[place] != 0 and known[place] != code:
        place = (place + 1) & (_PLACES - 1)
    return int(place)


@compiled
def _rarity(code: np.int32, counts: NDArray[np.int32], described: int) -> np.float32:
    return np.float32(1 - counts[code] / described)
