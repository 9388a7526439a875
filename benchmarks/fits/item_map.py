"""Holds items out of the training of latent factors, and ranks them for the users who chose them by what they are.

`uv run python -m benchmarks.fits.item_map DATA` prints one JSON line a row. DATA is a log whose `items.csv` has titles,
as MovieLens. A fifth of the items is held out, of two fifths in turn; of each, `known` users' choices are left in the
training, and those of all others are asked for. Only items that three others chose are ranked, among each other.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.log import Log
from benchmarks.evaluation.readers import read_log
from benchmarks.fits.data import told
from features.item import Item, key_of
from inference.factors.file import Factors
from inference.factors.item_map import Facts
from inference.factors.space import fold_in
from inference.factors.training import Choices, train_factors

_FOLDS: Final = 5
_DRAWN: Final = 2
_LEAST_OTHERS: Final = 3
#: How many choices of a held-out item the training knows.
_KNOWN: Final = (0, 1, 5, 20)
#: A user's items, the latest, as many as lists go by.
_LATEST: Final = 32
_DEPTH: Final = 10

Matrix = NDArray[np.float32]
_Chosen = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Row:
    """`percentile` is the mean over users of the share of held-out items below those they chose; 0.5 by chance.

    `hit_at_10` is the share of what they chose that is among the first ten (of ten at most).
    """

    known: int
    by: str
    users: int
    percentile: float
    hit_at_10: float


def main() -> None:
    """Print a row for each way and number of known choices."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # It needs the extra `export`.
    from benchmarks.retrieval.words.tower import LocalTower

    with TemporaryDirectory() as folder:
        told("exporting the text tower")
        log = read_log(arguments.data, seed=arguments.seed).worded(LocalTower.exported(Path(folder)).embed)
    for row in measure(log, seed=arguments.seed):
        print(json.dumps(asdict(row)), flush=True)


def measure(log: Log, *, seed: int, known: tuple[int, ...] = _KNOWN) -> Iterator[Row]:
    """The rows of a log with words."""
    choices = Choices()
    for event in log.events:
        choices.learn(event.user, event.item, event.choice)
    items = {item: Item(item, changed_at_ms=0, words=words) for item, words in log.words.items()}
    folds = np.random.default_rng(seed).integers(0, _FOLDS, len(items))
    for count in known:
        found: dict[str, list[tuple[float, float]]] = {}
        for fold in range(_DRAWN):
            held = {item for item, each in zip(items, folds.tolist(), strict=True) if each == fold}
            told(f"{count} known choices, part {fold + 1} of {_DRAWN}")
            for name, user_figures in _ranked(choices.of_users, items, held, count, seed).items():
                found.setdefault(name, []).extend(user_figures)
        for name, each in found.items():
            percentile, hits = np.mean(each, axis=0).round(4).tolist()
            yield Row(count, name, len(each), percentile, hits)


def _ranked(
    choices: _Chosen, items: Mapping[str, Item], held: set[str], known: int, seed: int
) -> dict[str, list[tuple[float, float]]]:
    """By each way the percentile and hits of each user."""
    left, asked = _split(choices, held, known, np.random.default_rng(seed))
    by_itself = train_factors(left, seed=seed)
    drawn = train_factors(left, items, seed=seed)
    ranked = sorted(item for item in held if sum(item in own for own in asked.values()) >= _LEAST_OTHERS)
    if drawn.item_map is None or not ranked:
        return {}
    ways = _ways(ranked, left, items, by_itself, drawn, held)
    random = np.random.default_rng(seed)
    ways["random"] = lambda _: random.random(len(ranked)).astype(np.float32)
    users = {user: own for user, own in asked.items() if own & {*ranked} and {*left.get(user, {})} - held}
    return {
        name: [_figures(way(user), ranked, own, {*left[user]}) for user, own in users.items()]
        for name, way in ways.items()
    }


def _split(
    choices: _Chosen, held: set[str], known: int, random: np.random.Generator
) -> tuple[dict[str, dict[str, float]], dict[str, set[str]]]:
    """What is trained, with `known` users' choices of each held-out item, and what is asked of each user."""
    users_of: dict[str, list[str]] = {}
    for user, own in choices.items():
        for item in own.keys() & held:
            users_of.setdefault(item, []).append(user)
    kept = {
        (user, item) for item, users in sorted(users_of.items()) for user in random.permutation(sorted(users))[:known]
    }
    left = {
        user: {item: weight for item, weight in own.items() if item not in held or (user, item) in kept}
        for user, own in choices.items()
    }
    return left, {user: {item for item in own if item not in left[user]} for user, own in choices.items()}


def _ways(
    ranked: list[str],
    left: _Chosen,
    items: Mapping[str, Item],
    by_itself: Factors,
    drawn: Factors,
    held: set[str],
) -> dict[str, Callable[[str], Matrix]]:
    """Scores float32 [n] of the ranked items [n] for a user, by each way."""
    facts, item_map = Facts.of_items(ranked, items, 0), drawn.item_map
    assert item_map is not None  # the caller looked
    mapped, _ = item_map.read(facts)
    (used, _), (chosen, _) = (each.read(_keys(ranked), facts) for each in (drawn, by_itself))
    lengths = np.linalg.norm(mapped, axis=1, keepdims=True)

    def latest(user: str) -> list[str]:
        return [item for item in reversed([*left[user]]) if item not in held][:_LATEST]

    def by(factors: Factors, vectors: Matrix) -> Callable[[str], Matrix]:
        return lambda user: vectors @ _folded(factors, latest(user))

    def looks_like(user: str) -> Matrix:
        return np.asarray((facts.words @ Facts.of_items(latest(user), items, 0).words.T).mean(axis=1), np.float32)

    everybody = np.mean([_folded(drawn, latest(user)) for user in left if latest(user)], axis=0)
    return {
        "factors as they are used": by(drawn, used),
        "factors by the map alone": by(drawn, mapped),
        "the same, of length 1": by(drawn, mapped / lengths),
        "the same, for everybody": lambda _: mapped @ everybody,
        "factors by choices alone": by(by_itself, chosen * np.isin(_keys(ranked), by_itself.keys)[:, None]),
        "cosine of words": looks_like,
    }


def _keys(items: list[str]) -> NDArray[np.uint64]:
    return np.array([key_of(item) for item in items], np.uint64)


def _folded(factors: Factors, items: list[str]) -> Matrix:
    """The factor of a user with these items, all of the same weight, float32 [d]."""
    nothing = Facts.of_items(items, {}, 0)
    vectors, has = factors.read(_keys(items), nothing)
    weights = np.ones((1, len(items)), np.float32)
    return np.asarray(fold_in(vectors[None], weights, has[None], factors.inverse)[0].sum(axis=0))


def _figures(scores: Matrix, ranked: list[str], wanted: set[str], seen: set[str]) -> tuple[float, float]:
    """The percentile and hits of what a user wanted; what the training knew of the user is not ranked."""
    places = [place for place, item in enumerate(ranked) if item not in seen]
    order = np.argsort(-scores[places], kind="stable")
    is_wanted = np.array([ranked[places[place]] in wanted for place in order])
    ranks = np.flatnonzero(is_wanted)
    return float(1 - (ranks / max(len(order) - 1, 1)).mean()), float((ranks < _DEPTH).sum() / min(_DEPTH, len(ranks)))


if __name__ == "__main__":
    main()
