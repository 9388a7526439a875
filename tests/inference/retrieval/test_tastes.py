import numpy as np
import pytest

from features.profile import NEW
from inference.catalog.catalog import Catalog
from inference.retrieval.tastes import find_tastes
from tests.harness.catalog import DAY, DIMENSIONS, NOW, act, profile_of, reds_and_blues, vector
from tests.harness.lists import catalog_of


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def test_a_taste_for_two_colours_has_two_interests(catalog: Catalog) -> None:
    tastes = find_tastes([profile_of(act("red-0"), act("blue-0"), act("blue-1"))], catalog, NOW)

    assert np.count_nonzero(tastes.interests.shares) == 2
    assert tastes.interests.centres[0, 0] @ vector("blue-2") > 0.7
    assert tastes.categories.sum() == pytest.approx(1)
    assert tastes.categories[0, catalog.category_names.index("blue")] > 0.6


def test_what_was_chosen_last_weighs_most(catalog: Catalog) -> None:
    tastes = find_tastes([profile_of(act("red-0"), act("red-1"), act("red-2"))], catalog, NOW)

    assert [catalog.item_ids[row] for row in tastes.rows[0]] == ["red-0", "red-1", "red-2"]
    assert tastes.weights[0].tolist() == sorted(tastes.weights[0])
    assert tastes.weights.sum() == pytest.approx(1)


def test_what_the_catalogue_lacks_is_no_part_of_a_taste(catalog: Catalog) -> None:
    tastes = find_tastes([profile_of(act("gone"), act("red-0"), act("unheard-of", -3.0))], catalog, NOW)

    assert tastes.rows.tolist() == [[catalog.row_of("red-0")]]
    assert tastes.weights.tolist() == [[1.0]]
    assert [rows.tolist() for rows in tastes.refused] == [[]]


def test_refused_items_are_kept_apart(catalog: Catalog) -> None:
    tastes = find_tastes([profile_of(act("red-0", -3.0))], catalog, NOW)

    assert tastes.rows.shape == (1, 0)
    assert not tastes.interests.shares.any()
    assert [rows.tolist() for rows in tastes.refused] == [[catalog.row_of("red-0")]]


def test_a_new_user_has_no_taste(catalog: Catalog) -> None:
    tastes = find_tastes([NEW], catalog, NOW)

    assert tastes.vectors.shape == (1, 0, DIMENSIONS)
    assert tastes.categories.tolist() == [[0.0, 0.0]]


def test_a_taste_of_years_ago_is_still_one(catalog: Catalog) -> None:
    tastes = find_tastes([profile_of(act("red-0", at_ms=NOW - 1000 * DAY))], catalog, NOW)

    assert tastes.interests.shares.tolist() == [[1.0, 0.0, 0.0, 0.0]]
    assert tastes.weights.tolist() == [[1.0]]


def test_users_of_one_batch_have_the_tastes_that_they_have_alone(catalog: Catalog) -> None:
    profiles = [profile_of(act("red-0"), act("red-1")), NEW, profile_of(act("gone"), act("blue-0"))]
    together = find_tastes(profiles, catalog, NOW)

    red_0, red_1, blue_0 = (catalog.row_of(name) for name in ("red-0", "red-1", "blue-0"))
    assert together.rows.tolist() == [[red_0, red_1], [-1, -1], [-1, blue_0]]
    for user, profile in enumerate(profiles):
        alone = find_tastes([profile], catalog, NOW)
        assert together.medoids()[user].tolist() == alone.medoids()[0].tolist()
        np.testing.assert_allclose(together.interests.centres[user], alone.interests.centres[0], atol=1e-6)
        np.testing.assert_allclose(together.categories[user], alone.categories[0])
        np.testing.assert_allclose(together.colours[user], alone.colours[0], atol=1e-6)
