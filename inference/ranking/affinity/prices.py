"""How near the price of a candidate is to what a user's items cost: what is within the user's budget."""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled

#: The spread of log prices that is assumed before a user's prices show another: a factor of two.
_SPREAD = np.log(2)


@compiled
def within_budget(
    bounds: NDArray[np.int64],
    rows: NDArray[np.int64],
    taste_rows: NDArray[np.int64],
    taste_weights: NDArray[np.float32],
    prices: NDArray[np.float32],
    currencies: NDArray[np.int16],
) -> NDArray[np.float32]:
    """exp(-((x - mean) / spread)² / 2) of each candidate's log price x [m]; 0 without a price in the user's currency.

    Mean and spread are those of `budget_of`; what costs much less is as far from them as what costs much more.
    `taste_rows` and `taste_weights` are those of Tastes [u, n].
    """
    signal = np.zeros(len(rows), np.float32)
    for user in range(len(taste_rows)):
        mean, spread, currency = budget_of(taste_rows[user], taste_weights[user], prices, currencies)
        if spread > 0:
            for candidate in range(bounds[user], bounds[user + 1]):
                row = rows[candidate]
                if prices[row] > 0 and currencies[row] == currency:
                    signal[candidate] = np.exp(-(((np.log(prices[row]) - mean) / spread) ** 2) / 2)
    return signal


@compiled
def budget_of(
    rows: NDArray[np.int64],
    weights: NDArray[np.float32],
    prices: NDArray[np.float32],
    currencies: NDArray[np.int16],
) -> tuple[float, float, int]:
    """The mean and the spread of the log prices of one user's items [n], and their currency.

    The spread is 0 where no item has a price, and where two have different currencies, which nobody converts here. It
    is the square root of ((n - 1) · variance + assumed variance) / n, so that one item is no narrow taste.
    """
    count, currency = 0, 0
    total = mean = squares = 0.0
    for item in range(len(rows)):
        row = rows[item]
        if row >= 0 and prices[row] > 0:
            if count and currencies[row] != currency:
                return 0.0, 0.0, 0
            currency = int(currencies[row])
            count += 1
            # West 1979: the weighted mean and sum of squares in one pass.
            price, weight = np.log(np.float64(prices[row])), np.float64(weights[item])
            total += weight
            share = weight / total if total > 0 else 0.0
            squares += weight * (1 - share) * (price - mean) ** 2
            mean += share * (price - mean)
    if total <= 0:
        return 0.0, 0.0, 0
    return mean, np.sqrt(((count - 1) * squares / total + _SPREAD**2) / count), currency
