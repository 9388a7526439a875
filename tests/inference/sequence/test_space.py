from collections.abc import Iterable

import numpy as np
import pytest

from features.item import Item, key_of
from features.profile import NEW, Profile
from inference.catalog.catalog import Catalog
from inference.sequence.course import Trained
from inference.sequence.model import SequenceModel, decode_model, encode_model
from inference.sequence.space import Expected, SequenceSpace
from tests.harness.catalog import NOW, act, item, profile_of, without_picture
from tests.harness.sequences import ITEMS as PICTURE


@pytest.fixture(scope="module")
def made(trained: Trained) -> SequenceModel:
    return decode_model(encode_model(trained.model))


@pytest.fixture
def catalog() -> Catalog:
    found = Catalog(PICTURE)
    apply(found, [named(number, picture=number) for number in range(PICTURE)])
    return found


def apply(catalog: Catalog, items: Iterable[Item]) -> None:
    catalog.apply([(each.item_id, each) for each in items])
    catalog.advance(NOW)


def named(number: int, name: str | None = None, *, picture: int | None = None) -> Item:
    category = ("even", "odd")[number % 2]
    if picture is None:
        return without_picture(name or f"item-{number}", category=category)
    unit = np.eye(PICTURE)[picture].astype("<f2").tobytes()
    return item(name or f"item-{number}", embedding=unit, category=category)


def after(*numbers: int) -> Profile:
    return profile_of(*(act(f"item-{number}", at_ms=NOW + number) for number in numbers))


def expect(space: SequenceSpace, profiles: list[Profile]) -> Expected:
    return space.judge(profiles, np.full((len(profiles), 0), -1), np.zeros((len(profiles), 0), np.float32))


def first(catalog: Catalog, found: Expected, user: int = 0) -> str:
    return catalog.item_ids[int(found.best.rows[found.best.bounds[user]])]


def test_what_others_chose_next_is_expected(catalog: Catalog, made: SequenceModel) -> None:
    found = expect(SequenceSpace(catalog, made), [after(3, 4, 5), NEW, after(5, 6, 7, 8)])

    assert (first(catalog, found), first(catalog, found, 2)) == ("item-6", "item-9")
    assert np.diff(found.best.bounds).tolist() == [37, 0, 36]
    assert found.latest.tolist() == [catalog.row_of("item-5"), -1, catalog.row_of("item-8")]


def test_the_likeliest_has_the_strength_1(catalog: Catalog, made: SequenceModel) -> None:
    found = expect(SequenceSpace(catalog, made), [after(3, 4, 5), NEW])
    rows = np.array([catalog.row_of(name) for name in ("item-6", "item-0", "item-6")])
    strengths = found.strengths(rows, np.array([0, 2, 3])).tolist()

    assert strengths[0] == 1
    assert 0 < strengths[1] < 1
    assert strengths[2] == 0


def test_users_without_a_choice_expect_nothing(catalog: Catalog, made: SequenceModel) -> None:
    found = expect(SequenceSpace(catalog, made), [NEW])
    assert (found.best.rows.tolist(), found.best.bounds.tolist(), found.latest.tolist()) == ([], [0, 0], [-1])


def test_an_item_never_seen_is_scored_by_its_picture(made: SequenceModel) -> None:
    catalog = Catalog(PICTURE)
    apply(catalog, [named(number, picture=number) for number in range(6)])
    space = SequenceSpace(catalog, made)
    apply(catalog, [named(6, "unseen-6", picture=6), named(9, "unseen-9", picture=9)])
    found = expect(space, [after(3, 4, 5)])

    rows = np.array([catalog.row_of(name) for name in ("unseen-6", "unseen-9")])
    six, nine = found.strengths(rows, np.array([0, 2])).tolist()
    assert six > 2 * nine


def test_an_item_of_which_nothing_is_known_is_not_expected(catalog: Catalog, made: SequenceModel) -> None:
    apply(catalog, [without_picture("strange-1")])
    found = expect(SequenceSpace(catalog, made), [after(3), profile_of(act("strange-1"))])

    strange = np.array([catalog.row_of("strange-1")])
    assert strange[0] not in found.best.rows
    assert found.strengths(strange, np.array([0, 1, 1])).tolist() == [0]
    assert found.latest[1] == -1


def test_a_picture_that_comes_later_counts(catalog: Catalog, made: SequenceModel) -> None:
    space = SequenceSpace(catalog, made)
    apply(catalog, [named(6, "unseen-6")])
    row = np.array([catalog.row_of("unseen-6")])
    (before,) = expect(space, [after(3, 4, 5)]).strengths(row, np.array([0, 1])).tolist()
    apply(catalog, [named(6, "unseen-6", picture=6)])
    (later,) = expect(space, [after(3, 4, 5)]).strengths(row, np.array([0, 1])).tolist()
    assert later > before > 0


def strength_of(catalog: Catalog, space: SequenceSpace, name: str) -> float:
    row = np.array([catalog.row_of(name)])
    return float(expect(space, [after(3, 4, 5)]).strengths(row, np.array([0, 1]))[0])


def test_a_category_that_comes_later_counts(catalog: Catalog, made: SequenceModel) -> None:
    space = SequenceSpace(catalog, made)
    apply(catalog, [without_picture("unseen-6", category=None)])
    before = strength_of(catalog, space, "unseen-6")
    apply(catalog, [named(6, "unseen-6")])

    assert (before, strength_of(catalog, space, "unseen-6") > 0) == (0, True)


def test_another_category_or_picture_gives_another_vector(catalog: Catalog, made: SequenceModel) -> None:
    space = SequenceSpace(catalog, made)
    apply(catalog, [named(9, "unseen", picture=9)])
    strength_of(catalog, space, "unseen")
    apply(catalog, [named(6, "unseen", picture=6)])

    assert strength_of(catalog, space, "unseen") == strength_of(catalog, SequenceSpace(catalog, made), "unseen")


def test_an_item_that_lost_all_that_was_known_of_it_has_no_vector(catalog: Catalog, made: SequenceModel) -> None:
    space = SequenceSpace(catalog, made)
    apply(catalog, [named(6, "unseen", picture=6)])
    before = strength_of(catalog, space, "unseen")
    apply(catalog, [without_picture("unseen", category=None)])

    assert (before > 0, strength_of(catalog, space, "unseen")) == (True, 0)


def test_pictures_by_another_encoder_count_as_none(made: SequenceModel) -> None:
    catalog = Catalog(PICTURE)
    unit = np.eye(PICTURE)[6].astype("<f2").tobytes()
    apply(catalog, [named(5), item("other", embedding=unit, encoder="other@1", category=None)])
    found = expect(SequenceSpace(catalog, made), [after(5)])
    assert found.best.rows.tolist() == []


def test_only_items_that_no_model_knows_leave_all_lists_as_they_are(made: SequenceModel) -> None:
    catalog = Catalog(PICTURE)
    apply(catalog, [without_picture(f"strange-{number}") for number in range(3)])
    found = expect(SequenceSpace(catalog, made), [profile_of(act("strange-1"))])
    assert found.best.rows.tolist() == []


def test_an_item_that_took_the_row_of_another_has_its_own_vector(catalog: Catalog, made: SequenceModel) -> None:
    space = SequenceSpace(catalog, made)
    expect(space, [NEW])
    row = catalog.row_of("item-6")
    catalog.apply([("item-6", None)])
    apply(catalog, [without_picture("strange-1")])
    assert catalog.row_of("strange-1") == row
    assert row not in expect(space, [after(3, 4, 5)]).best.rows
    assert key_of("item-6") in made.keys


def test_of_items_not_known_by_id_the_first_have_vectors(
    catalog: Catalog, made: SequenceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.sequence.space.UNSEEN_LIMIT", 1)
    apply(catalog, [named(6, "unseen-6"), named(6, "unseen-7")])
    rows = np.array([catalog.row_of(name) for name in ("unseen-6", "unseen-7", "item-6")])
    found = expect(SequenceSpace(catalog, made), [after(3)])
    assert (found.strengths(rows, np.array([0, 3])) > 0).tolist() == [True, False, True]
