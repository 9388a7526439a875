"""Draws from Beta distributions that a hash decides: the same seed gives the same draw in every process.

Everything here is compiled.
"""

import numpy as np

from features.jit import compiled

#: What splitmix64 adds to its state at each step.
STEP = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xD1B54A32D192ED03)
_UNIT = 2.0**-53


@compiled
def mixed(state: np.uint64) -> np.uint64:
    """The 64 bits that splitmix64 gives for a state (Steele et al. 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(state ^ (state >> np.uint64(31)))


@compiled
def beta_draw(wins: float, misses: float, seed: np.uint64) -> float:
    """A draw from Beta(wins, misses), both above 0, by two draws of a Gamma distribution."""
    one, other = _gamma_draw(wins, mixed(seed)), _gamma_draw(misses, mixed(seed ^ _OTHER))
    return float(one / max(one + other, 1e-300))


@compiled
def _gamma_draw(shape: float, state: np.uint64) -> float:
    """A draw from Gamma(shape, 1) by rejection (Marsaglia & Tsang 2000, "A simple method for generating gamma")."""
    boost = 1.0
    if shape < 1:
        state += STEP
        boost = _uniform(state) ** (1 / shape)
        shape += 1
    size = shape - 1 / 3
    while True:
        # A normal draw by Box & Muller, then one to accept it by.
        radius = np.sqrt(-2 * np.log(_uniform(state + STEP)))
        normal = radius * np.cos(2 * np.pi * _uniform(state + STEP + STEP))
        state += STEP + STEP + STEP
        cube = (1 + normal / np.sqrt(9 * size)) ** 3
        if cube > 0 and np.log(_uniform(state)) < normal**2 / 2 + size * (1 - cube + np.log(cube)):
            return float(size * cube * boost)


@compiled
def _uniform(state: np.uint64) -> float:
    """A number above 0 and below 1."""
    return float((np.float64(mixed(state) >> np.uint64(11)) + 0.5) * _UNIT)
