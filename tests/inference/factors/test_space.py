from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from features.item import key_of
from features.profile import NEW
from features.words.item_words import DIMENSIONS, VERSION, ItemWords
from inference.catalog.catalog import Catalog
from inference.factors.file import Factors
from inference.factors.item_map import ItemMap, LinearMap
from inference.factors.space import CONFIDENCE, FactorSpace, FoldedIn
from inference.trained.source import AT_ONCE
from tests.harness.catalog import NOW, without_picture

NAMES = [f"i{number}" for number in range(40)]
VECTORS = (0.4 * np.random.default_rng(1).standard_normal((40, 6))).astype(np.float16).astype(np.float32)
REGULARIZATION = 0.5


@pytest.fixture
def catalog() -> Catalog:
    catalog = Catalog(2)
    catalog.apply([(name, without_picture(name)) for name in NAMES])
    catalog.advance(NOW)
    return catalog


@pytest.fixture
def space(catalog: Catalog) -> FactorSpace:
    return FactorSpace(catalog, Factors.of(keys_of(NAMES), VECTORS, REGULARIZATION))


def keys_of(names: list[str]) -> NDArray[np.uint64]:
    return np.array([key_of(name) for name in names], np.uint64)


def expected(items: list[int], weights: list[float]) -> NDArray[np.float64]:
    """The user's factor by the formula of Hu, Koren & Volinsky, with a system as large as the dimensions."""
    own, every = VECTORS[items].astype(float), VECTORS.astype(float)
    more = CONFIDENCE * np.array(weights) / max(weights)
    system = every.T @ every + REGULARIZATION * np.eye(6) + (own.T * more) @ own
    return np.asarray(np.linalg.solve(system, own.T @ (1 + more)))


def fold_in(catalog: Catalog, space: FactorSpace, *users: list[tuple[str, float]]) -> FoldedIn:
    most = max(map(len, users))
    rows, weights = np.full((len(users), most), -1), np.zeros((len(users), most), np.float32)
    for user, own in enumerate(users):
        start = most - len(own)
        rows[user, start:] = catalog.rows_of(keys_of([name for name, _ in own]))
        weights[user, start:] = [weight for _, weight in own]
    return space.judge([NEW] * len(users), rows, weights)


def test_a_users_factor_is_the_step_of_the_least_squares(catalog: Catalog, space: FactorSpace) -> None:
    found = fold_in(catalog, space, [("i3", 0.2), ("i7", 0.5), ("i30", 0.3)], [("i1", 1.0)])

    assert found.factors[0] == pytest.approx(expected([3, 7, 30], [0.2, 0.5, 0.3]), rel=1e-4, abs=1e-5)
    assert found.factors[1] == pytest.approx(expected([1], [1.0]), rel=1e-4, abs=1e-5)


def test_more_items_than_dimensions_are_folded_in(catalog: Catalog, space: FactorSpace) -> None:
    found = fold_in(catalog, space, [(name, 1.0) for name in NAMES[:32]])

    assert found.factors[0] == pytest.approx(expected([*range(32)], [1.0] * 32), rel=1e-3, abs=1e-5)


def test_an_item_without_a_factor_changes_nothing(catalog: Catalog, space: FactorSpace) -> None:
    catalog.apply([("new", without_picture("new"))])
    known, more = fold_in(catalog, space, [("i3", 0.2)], [("new", 0.1), ("i3", 0.2), ("gone", 0.2)]).factors

    assert known.tolist() == more.tolist()


def test_the_items_of_a_user_without_weights_count_the_same(catalog: Catalog, space: FactorSpace) -> None:
    found = fold_in(catalog, space, [("i3", 0.0), ("i7", 0.0)], [("i3", 0.5), ("i7", 0.5)])

    assert found.factors[0].tolist() == found.factors[1].tolist()


def test_a_user_of_whom_nothing_is_known_has_no_factor(catalog: Catalog, space: FactorSpace) -> None:
    found = fold_in(catalog, space, [], [("i3", 1.0)])

    assert (found.factors[0].any(), found.factors[1].any()) == (False, True)
    assert not fold_in(catalog, space, []).factors.any()


def test_the_best_are_those_of_the_greatest_inner_products(catalog: Catalog, space: FactorSpace) -> None:
    found = fold_in(catalog, space, [("i3", 1.0), ("i7", 1.0)])
    rows = found.best.rows[:5]
    order = np.argsort(-(VECTORS @ found.factors[0]), kind="stable")

    assert [catalog.item_ids[row] for row in rows.tolist()] == [NAMES[place] for place in order[:5]]


def test_strengths_are_between_0_and_1_and_0_without_a_factor(catalog: Catalog, space: FactorSpace) -> None:
    catalog.apply([("new", without_picture("new"))])
    found = fold_in(catalog, space, [("i3", 1.0), ("i7", 1.0)])
    rows = catalog.rows_of(keys_of([*NAMES, "new"]))
    strengths = found.strengths(rows, np.array([0, len(rows)]))

    assert strengths[:-1] == pytest.approx(np.clip(VECTORS @ found.factors[0], 0, 1), abs=1e-5)
    assert strengths[-1] == 0


def test_the_origin_is_the_item_that_speaks_most(catalog: Catalog, space: FactorSpace) -> None:
    found = fold_in(catalog, space, [("i3", 1.0), ("i7", 1.0)])
    catalog.apply([("new", without_picture("new"))])
    (three, seven, new) = catalog.rows_of(keys_of(["i3", "i7", "new"])).tolist()

    assert found.origins(np.zeros(3, np.int64), np.array([three, seven, new])).tolist() == [three, seven, -1]


def test_the_parts_sum_to_the_factor(catalog: Catalog, space: FactorSpace) -> None:
    found = fold_in(catalog, space, [("i3", 0.2), ("i7", 0.5)], [("i9", 1.0)])

    assert found.parts.sum(axis=1).tolist() == found.factors.tolist()


def test_an_item_that_comes_back_has_its_factor_again(catalog: Catalog, space: FactorSpace) -> None:
    before = fold_in(catalog, space, [("i3", 1.0)])
    catalog.apply([("i3", None)])
    catalog.apply([("other", without_picture("other")), ("i3", without_picture("i3"))])

    assert fold_in(catalog, space, [("i3", 1.0)]).factors.tolist() == before.factors.tolist()
    assert not fold_in(catalog, space, [("other", 1.0)]).factors.any()


#: Factors of items that none of these has: what is said first in a vector of words is the factor.
MAPPED = replace(
    Factors.of(keys_of(NAMES), VECTORS, REGULARIZATION),
    item_map=ItemMap(
        "e@1", {"words": LinearMap(np.eye(DIMENSIONS, 6, dtype=np.float32), np.zeros(6, np.float32), explained=0.5)}
    ),
)


def said(*values: float) -> ItemWords:
    return ItemWords(VERSION, bytes(8), np.array([*values, *[0] * (DIMENSIONS - len(values))], "<f2").tobytes())


@pytest.fixture
def worded() -> Catalog:
    catalog = Catalog(2, words=True)
    catalog.apply([(name, without_picture(name)) for name in NAMES])
    catalog.advance(NOW)
    return catalog


def strength(catalog: Catalog, space: FactorSpace, name: str) -> float:
    found = fold_in(catalog, space, [("i3", 1.0), ("i7", 1.0)])
    return float(found.strengths(catalog.rows_of(keys_of([name])), np.array([0, 1]))[0])


def test_a_new_item_has_the_factor_that_follows_from_its_words(worded: Catalog) -> None:
    space = FactorSpace(worded, MAPPED)
    user = fold_in(worded, space, [("i3", 1.0), ("i7", 1.0)]).factors[0]
    like = user / np.linalg.norm(user)
    worded.apply([("new", without_picture("new", words=said(*like.tolist()))), ("blank", without_picture("blank"))])
    worded.advance(NOW)
    found = fold_in(worded, space, [("i3", 1.0), ("i7", 1.0)])
    new, blank, three, seven = worded.rows_of(keys_of(["new", "blank", "i3", "i7"])).tolist()

    assert found.factors[0].tolist() == user.tolist()
    assert (new in found.best.rows, blank in found.best.rows) == (True, False)
    assert strength(worded, space, "new") == pytest.approx(min(np.linalg.norm(user), 1), abs=1e-2)
    assert found.origins(np.zeros(2, np.int64), np.array([new, blank])).tolist()[1] == -1
    assert found.origins(np.zeros(1, np.int64), np.array([new]))[0] in (three, seven)


def test_words_that_come_later_count_and_so_do_others(worded: Catalog) -> None:
    space, found = FactorSpace(worded, MAPPED), []
    for words in (None, said(1.0), said(-1.0), None):
        worded.apply([("new", without_picture("new", words=words))])
        found.append(fold_in(worded, space, [("new", 1.0)]).factors[0, 0])

    assert (found[0], found[3]) == (0, 0)
    assert found[1] > 0 > found[2]


def test_an_item_with_a_factor_keeps_it_whatever_is_said_of_it(worded: Catalog) -> None:
    space = FactorSpace(worded, MAPPED)
    before = fold_in(worded, space, [("i3", 1.0)]).factors
    worded.apply([("i3", without_picture("i3", words=said(1.0)))])

    assert fold_in(worded, space, [("i3", 1.0)]).factors.tolist() == before.tolist()


def test_without_words_in_the_catalogue_nothing_is_mapped(catalog: Catalog) -> None:
    catalog.apply([("new", without_picture("new", words=said(1.0)))])

    assert not fold_in(catalog, FactorSpace(catalog, MAPPED), [("new", 1.0)]).factors.any()


def test_of_very_many_items_the_newest_are_mapped(worded: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.factors.space.MAPPED_LIMIT", 2)
    for number in (1, 3, 2):
        worded.apply([(f"n{number}", without_picture(f"n{number}", words=said(1.0), described_at_ms=NOW + number))])
    space = FactorSpace(worded, MAPPED)

    def mapped(*numbers: int) -> list[bool]:
        return [bool(fold_in(worded, space, [(f"n{number}", 1.0)]).factors.any()) for number in numbers]

    assert mapped(1, 2, 3) == [False, True, True]
    worded.apply([("n2", without_picture("n2", words=said(0.5), described_at_ms=NOW + 2))])
    assert mapped(1, 2, 3) == [False, True, True]
    # What comes later takes the place of the oldest.
    worded.apply([("n4", without_picture("n4", words=said(1.0), described_at_ms=NOW + 4))])
    assert mapped(1, 2, 3, 4) == [False, False, True, True]


def test_a_step_reads_a_bounded_number_of_items_and_those_that_came_meanwhile_are_read(worded: Catalog) -> None:
    worded.apply([(f"n{number}", without_picture(f"n{number}", words=said(1.0))) for number in range(2 * AT_ONCE)])
    space, steps = FactorSpace(worded, MAPPED), 1

    def mapped(*names: str) -> list[bool]:
        return [bool(factors.any()) for factors in fold_in(worded, space, *([(name, 1.0)] for name in names)).factors]

    assert mapped("n0", f"n{2 * AT_ONCE - 1}") == [True, False]
    worded.apply([("late", without_picture("late", words=said(1.0))), ("n0", None)])
    while not space.align():
        steps += 1
    assert steps == 2
    assert mapped("n0", f"n{2 * AT_ONCE - 1}", "late") == [False, True, True]


def test_what_came_to_the_row_of_an_item_that_gives_way_is_still_read(
    worded: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.factors.space.MAPPED_LIMIT", 2)
    worded.apply([(name, without_picture(name, words=said(1.0))) for name in ("first", "second")])
    space = FactorSpace(worded, MAPPED)
    before = fold_in(worded, space, [("i7", 1.0), ("i3", 1.0)]).factors
    worded.apply([("i3", None)])
    worded.apply([("second", None)])
    # In the row that was last free, and so after the next one.
    worded.apply([("i3", without_picture("i3"))])
    worded.apply([(name, without_picture(name, words=said(1.0), described_at_ms=NOW)) for name in ("third", "fourth")])
    monkeypatch.setattr("inference.factors.space.AT_ONCE", 1)
    while not space.align():
        pass

    assert fold_in(worded, space, [("i7", 1.0), ("i3", 1.0)]).factors.tolist() == before.tolist()
