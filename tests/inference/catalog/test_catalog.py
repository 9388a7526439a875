from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.item import Item, key_of
from features.vision.colours import COLOUR_NAMES
from inference.catalog.catalog import Catalog, CatalogCounts
from inference.catalog.fresh_rows import FRESH_LIMIT
from tests.harness.catalog import DAY, DIMENSIONS, NOW, item, reds_and_blues, vector, without_picture


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(DIMENSIONS)


def found(catalog: Catalog, looks: str, count: int = 10) -> list[str]:
    rows, _ = catalog.pictures.search(vector(looks)[None], count)
    return [catalog.item_ids[row] for row in rows[0] if row >= 0]


def found_with_copies(catalog: Catalog, looks: str) -> set[str]:
    """All items that show the pictures which are found."""
    rows, _ = catalog.pictures.search(vector(looks)[None], 10)
    return {catalog.item_ids[row] for row in catalog.pictures.members(rows[0][rows[0] >= 0]).tolist()}


def freshest(catalog: Catalog, count: int = 10) -> list[str]:
    return [catalog.item_ids[row] for row in catalog.freshest(count)]


def facts(catalog: Catalog, name: str) -> tuple[str | None, bool, int]:
    """An item's category, whether it is available, and its price of time: the upload."""
    row = catalog.row_of(name)
    assert row is not None
    code = catalog.categories[row]
    return (
        catalog.category_names[code] if code >= 0 else None,
        bool(catalog.available[row]),
        int(catalog.uploaded_ms[row]),
    )


# One item's life


def test_an_item_is_found_by_its_looks(catalog: Catalog) -> None:
    catalog.apply(reds_and_blues(3))

    assert found(catalog, "red-1", 1) == ["red-1"]
    assert set(found(catalog, "red-1", 3)) == {"red-0", "red-1", "red-2"}
    assert catalog.counts() == CatalogCounts(searchable=6, unavailable=0, other_encoder=0)


def test_an_items_row_holds_its_facts(catalog: Catalog) -> None:
    catalog.apply([("red-1", item("red-1", owner="u1", expires_at_ms=NOW, at_ms=NOW - 5))])

    row = catalog.row_of("red-1")
    assert row == 0
    assert facts(catalog, "red-1") == ("red", True, NOW - 5)
    assert (catalog.keys[row], catalog.owners[row], catalog.expires_ms[row]) == (key_of("red-1"), key_of("u1"), NOW)
    np.testing.assert_allclose(catalog.pictures.vectors(np.array([0])), vector("red-1")[None], atol=1e-3)


def test_an_item_without_owner_category_or_end(catalog: Catalog) -> None:
    catalog.apply([("red-1", item("red-1", owner=None, category=None))])

    assert facts(catalog, "red-1")[0] is None
    assert catalog.owners[0] == 0
    assert catalog.expires_ms[0] == np.iinfo(np.int64).max


def test_an_items_colours_are_a_unit_vector_of_those_that_have_a_name(catalog: Catalog) -> None:
    catalog.apply([("red-1", item("red-1", colours=(("green", 0.6), ("black", 0.8), ("infrared", 0.9))))])
    green, black = (COLOUR_NAMES.index(name) for name in ("green", "black"))

    (colours,) = catalog.colours[np.array([0])]
    assert colours[[green, black]].tolist() == pytest.approx([0.6, 0.8], abs=1e-3)
    assert np.count_nonzero(colours) == 2


def test_a_row_that_is_used_again_keeps_no_colour(catalog: Catalog) -> None:
    catalog.apply([("red-1", item("red-1", colours=(("green", 0.6),)))])
    catalog.apply([("red-1", None), ("blue-1", item("blue-1"))])

    assert not catalog.colours[np.array([0])].any()


def test_a_new_picture_replaces_the_old_one(catalog: Catalog) -> None:
    catalog.apply([("red-1", item("red-1"))])
    catalog.apply([("red-1", item("red-1", looks="blue-1"))])

    assert found(catalog, "blue-1") == ["red-1"]
    assert facts(catalog, "red-1")[0] == "blue"
    assert catalog.counts().searchable == 1


def test_a_new_price_leaves_the_index_alone(catalog: Catalog) -> None:
    catalog.apply(reds_and_blues(2))
    catalog.apply([("red-1", item("red-1", price=5.0, category="sale"))])

    assert facts(catalog, "red-1")[0] == "sale"
    assert sorted(found(catalog, "red-1")) == ["blue-0", "blue-1", "red-0", "red-1"]


@pytest.mark.parametrize("facts_of", [{"hidden": True}, {"in_stock": False}])
def test_an_unavailable_item_is_known_but_not_found(catalog: Catalog, facts_of: dict[str, Any]) -> None:
    catalog.apply(reds_and_blues(1))
    catalog.apply([("red-0", item("red-0", **facts_of))])

    assert found(catalog, "red-0") == ["blue-0"]
    assert catalog.counts() == CatalogCounts(searchable=1, unavailable=1, other_encoder=0)
    assert facts(catalog, "red-0")[1] is False


def test_an_item_that_is_shown_again_is_found_again(catalog: Catalog) -> None:
    for hidden in (True, False, True, False):
        catalog.apply([("red-0", item("red-0", hidden=hidden))])

    assert found(catalog, "red-0") == ["red-0"]


def test_a_tombstone_takes_the_item_away(catalog: Catalog) -> None:
    catalog.apply(reds_and_blues(1))
    catalog.apply([("red-0", None)])

    assert found(catalog, "red-0") == ["blue-0"]
    assert catalog.row_of("red-0") is None
    assert catalog.counts() == CatalogCounts(searchable=1, unavailable=0, other_encoder=0)


def test_a_tombstone_of_an_unknown_item_changes_nothing(catalog: Catalog) -> None:
    catalog.apply([("red-0", None)])

    assert catalog.counts() == CatalogCounts(0, 0, 0)


def test_an_item_without_a_picture_is_known_and_never_found_by_its_looks(catalog: Catalog) -> None:
    catalog.apply([("blue-0", item("blue-0")), ("red-0", without_picture("red-0", category="hats", described_at_ms=5))])

    assert facts(catalog, "red-0") == ("hats", True, 5)
    assert not catalog.pictures.vectors(np.array([catalog.row_of("red-0")])).any()
    assert found(catalog, "red-0") == ["blue-0"]
    assert (catalog.pictures.indexed, catalog.pictures.pictures, catalog.choices) == (1, 1, 2)
    assert catalog.counts() == CatalogCounts(searchable=1, unavailable=0, other_encoder=0, no_vector=1)


def test_a_picture_that_arrives_gives_the_row_its_vector_and_one_that_leaves_takes_it(catalog: Catalog) -> None:
    catalog.apply([("red-0", without_picture("red-0"))])
    row = catalog.row_of("red-0")
    catalog.apply([("red-0", item("red-0"))])
    assert (catalog.row_of("red-0"), found(catalog, "red-0"), catalog.choices) == (row, ["red-0"], 1)
    assert catalog.pictures.encoder == "fake@1"

    catalog.apply([("red-0", without_picture("red-0"))])
    assert (catalog.row_of("red-0"), found(catalog, "red-0"), catalog.choices) == (row, [], 1)
    catalog.apply([("red-0", None)])
    assert (catalog.row_of("red-0"), catalog.choices, catalog.counts()) == (None, 0, CatalogCounts(0, 0, 0))


def test_items_without_a_picture_are_fresh_one_by_one_and_leave_when_they_expire(catalog: Catalog) -> None:
    catalog.apply(
        [(f"i{n}", without_picture(f"i{n}", described_at_ms=n, expires_at_ms=NOW + n * DAY)) for n in range(4)]
    )
    catalog.apply([(f"red-{n}", item(f"red-{n}", looks="red-0", at_ms=n + 1)) for n in range(3)])  # copies
    catalog.advance(NOW)

    assert freshest(catalog) == ["i3", "red-2", "i2", "i1"]
    catalog.advance(NOW + 2 * DAY)
    assert (freshest(catalog), catalog.choices) == (["i3", "red-2"], 2)


def test_an_item_that_comes_back_is_found(catalog: Catalog) -> None:
    catalog.apply(reds_and_blues(1))
    catalog.apply([("red-0", None)])
    catalog.apply([("red-0", item("red-0"))])

    assert sorted(found(catalog, "red-0")) == ["blue-0", "red-0"]
    assert sorted(freshest(catalog)) == ["blue-0", "red-0"]


# Rows


def test_a_row_that_became_free_is_used_again_and_keeps_nothing(catalog: Catalog) -> None:
    catalog.apply([("red-0", item("red-0", owner="u1", expires_at_ms=NOW))])
    catalog.apply([("red-0", None)])
    catalog.apply([("blue-0", item("blue-0", owner=None, category=None))])

    assert list(catalog.item_ids) == ["blue-0"]
    assert catalog.rows_of(np.array([key_of("red-0"), key_of("blue-0")], np.uint64)).tolist() == [-1, 0]
    assert (catalog.owners[0], catalog.categories[0]) == (0, -1)
    assert found(catalog, "red-0") == ["blue-0"]


def test_a_row_may_change_hands_within_one_batch(catalog: Catalog) -> None:
    catalog.apply([("red-0", item("red-0"))])
    catalog.apply([("red-0", None), ("blue-0", item("blue-0"))])

    assert found(catalog, "blue-0") == ["blue-0"]


def test_a_row_may_change_hands_to_a_hidden_item_within_one_batch(catalog: Catalog) -> None:
    catalog.apply([("red-0", item("red-0"))])
    catalog.apply([("red-0", None), ("blue-0", item("blue-0", hidden=True))])

    assert found(catalog, "blue-0") == []
    assert catalog.counts() == CatalogCounts(searchable=0, unavailable=1, other_encoder=0)


def test_of_many_changes_of_one_item_in_a_batch_the_last_counts(catalog: Catalog) -> None:
    catalog.apply([("red-0", item("red-0")), ("red-0", None), ("red-0", item("red-0", looks="blue-3"))])
    assert found(catalog, "blue-3") == ["red-0"]

    catalog.apply([("red-0", item("red-0")), ("red-0", item("red-0", hidden=True)), ("red-0", None)])
    assert catalog.counts() == CatalogCounts(0, 0, 0)


def test_a_catalogue_grows_past_its_first_thousand(catalog: Catalog) -> None:
    catalog.apply([(f"i{n}", item(f"i{n}", looks=f"red-{n % 32}", at_ms=n)) for n in range(1030)])

    assert len(catalog.item_ids) == 1030
    assert catalog.counts().searchable == 1030
    assert freshest(catalog, 2) == ["i1029", "i1028"]
    assert facts(catalog, "i0") == ("red", True, 0)


# Encoders


def test_an_item_of_another_encoder_is_known_but_not_found(catalog: Catalog) -> None:
    catalog.apply([("red-0", item("red-0")), ("red-1", item("red-1", encoder="fake@2"))])

    assert catalog.pictures.encoder == "fake@1"
    assert found(catalog, "red-1") == ["red-0"]
    assert facts(catalog, "red-1")[0] == "red"
    assert catalog.counts() == CatalogCounts(searchable=1, unavailable=0, other_encoder=1, no_vector=1)


def test_an_item_that_another_encoder_made_anew_leaves_the_index(catalog: Catalog) -> None:
    catalog.apply([("red-0", item("red-0")), ("red-1", item("red-1"))])
    catalog.apply([("red-1", item("red-1", encoder="fake@2"))])
    assert catalog.counts() == CatalogCounts(searchable=1, unavailable=0, other_encoder=1, no_vector=1)

    catalog.apply([("red-1", item("red-1"))])
    assert catalog.counts() == CatalogCounts(searchable=2, unavailable=0, other_encoder=0)


def test_a_vector_of_another_length_is_not_taken_and_does_not_choose_the_encoder(catalog: Catalog) -> None:
    short = item("red-0", embedding=b"\0<" * 8, encoder="small@1")
    catalog.apply([("red-0", short), ("red-1", item("red-1"))])

    assert catalog.pictures.encoder == "fake@1"
    assert catalog.counts() == CatalogCounts(searchable=1, unavailable=0, other_encoder=1, no_vector=1)


def test_an_item_of_another_encoder_that_is_deleted_is_forgotten(catalog: Catalog) -> None:
    catalog.apply([("red-0", item("red-0")), ("red-1", item("red-1", encoder="fake@2"))])
    catalog.apply([("red-1", None)])

    assert catalog.counts().other_encoder == 0


# Whose items these are


def test_all_items_of_an_owner_are_found_whatever_their_state(catalog: Catalog) -> None:
    mine = [
        item("red-0", owner="u1"),
        item("red-1", owner="u1", hidden=True),
        item("red-2", owner="u1", encoder="fake@2"),
    ]
    others = [item("blue-0", owner="u2"), item("blue-1", owner=None)]
    catalog.apply([(each.item_id, each) for each in [others[0], *mine, others[1]]])

    catalog.apply([("red-3", item("red-3", owner="u1")), ("red-3", None)])

    assert set(catalog.owned_by(key_of("u1"))) == {"red-0", "red-1", "red-2"}


def test_an_item_that_left_belongs_to_nobody(catalog: Catalog) -> None:
    catalog.apply([("red-0", item("red-0", owner="u1"))])
    catalog.apply([("red-0", None)])

    assert catalog.owned_by(key_of("u1")) == []


def test_the_encoder_that_is_asked_for_is_served_whatever_comes_first() -> None:
    catalog = Catalog(DIMENSIONS, encoder="fake@2")
    catalog.apply([("red-0", item("red-0")), ("red-1", item("red-1", encoder="fake@2"))])

    assert found(catalog, "red-1") == ["red-1"]
    assert catalog.counts() == CatalogCounts(searchable=1, unavailable=0, other_encoder=1, no_vector=1)


def test_the_encoder_of_most_items_prevails(catalog: Catalog) -> None:
    assert catalog.prevailing_encoder() is None
    catalog.apply([(f"red-{n}", item(f"red-{n}", encoder=f"fake@{1 if n < 2 else 2}")) for n in range(4)])
    assert (catalog.pictures.encoder, catalog.prevailing_encoder()) == ("fake@1", "fake@1")
    catalog.apply([("red-0", item("red-0", encoder="fake@2"))])
    assert (catalog.pictures.encoder, catalog.prevailing_encoder()) == ("fake@1", "fake@2")
    catalog.apply([("red-0", None), ("red-2", None)])
    assert catalog.prevailing_encoder() == "fake@1"


def test_vectors_of_another_length_never_prevail(catalog: Catalog) -> None:
    short = [item(f"blue-{n}", embedding=b"\0<" * 8, encoder="small@1") for n in range(3)]
    catalog.apply([("red-0", item("red-0")), *((each.item_id, each) for each in short)])

    assert catalog.prevailing_encoder() == "fake@1"


# The freshest


def test_the_latest_upload_is_the_freshest(catalog: Catalog) -> None:
    catalog.apply([(name, item(name, at_ms=at)) for name, at in (("red-0", 5), ("red-1", 9), ("red-2", 7))])

    assert freshest(catalog) == ["red-1", "red-2", "red-0"]
    assert freshest(catalog, 2) == ["red-1", "red-2"]


def test_what_is_hidden_or_gone_is_not_fresh(catalog: Catalog) -> None:
    catalog.apply([(f"red-{n}", item(f"red-{n}", at_ms=n)) for n in range(4)])
    catalog.apply([("red-3", None), ("red-2", item("red-2", at_ms=2, hidden=True))])

    assert freshest(catalog) == ["red-1", "red-0"]


def test_what_is_shown_again_is_as_fresh_as_its_upload(catalog: Catalog) -> None:
    catalog.apply([("red-0", item("red-0", at_ms=1)), ("red-1", item("red-1", at_ms=2, hidden=True))])
    catalog.apply([("red-1", item("red-1", at_ms=2))])

    assert freshest(catalog) == ["red-1", "red-0"]


def test_one_item_uploaded_again_and_again_hides_no_other(catalog: Catalog) -> None:
    catalog.apply([("blue-0", item("blue-0", at_ms=1))])
    for at_ms in range(10, FRESH_LIMIT + 20):
        catalog.apply([("red-0", item("red-0", at_ms=at_ms))])

    assert freshest(catalog) == ["red-0", "blue-0"]


def test_when_all_the_newest_are_gone_older_ones_are_the_freshest(catalog: Catalog) -> None:
    count = FRESH_LIMIT + 40
    catalog.apply([(f"i{n}", of_its_own(n)) for n in range(count)])
    catalog.apply([(f"i{n}", None) for n in range(40, count)])

    assert freshest(catalog, 3) == ["i39", "i38", "i37"]


def of_its_own(number: int) -> Item:
    """An item with a picture that no other has, uploaded at the time `number`."""
    looks = np.random.default_rng(number).standard_normal(DIMENSIONS)
    return item(
        f"i{number}", looks="red-0", at_ms=number, embedding=(looks / np.linalg.norm(looks)).astype("<f2").tobytes()
    )


names = [f"{colour}-{n}" for colour in ("red", "blue") for n in range(3)]
versions = st.sampled_from(names).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.none()
        | st.builds(
            lambda looks, hidden, at_ms, encoder: item(name, looks=looks, hidden=hidden, at_ms=at_ms, encoder=encoder),
            st.sampled_from(names),
            st.booleans(),
            st.integers(1, 9),
            st.sampled_from(["fake@1", "fake@1", "fake@2"]),
        ),
    )
)


@given(st.lists(st.lists(versions, max_size=6), max_size=8))
def test_however_the_changes_come_the_replica_is_what_the_last_ones_say(
    batches: list[list[tuple[str, Item | None]]],
) -> None:
    catalog = Catalog(DIMENSIONS)
    catalog.apply([("red-9", item("red-9", at_ms=0))])  # the one that chooses the encoder
    for batch in batches:
        catalog.apply(batch)
    last = {"red-9": item("red-9", at_ms=0), **{name: each for batch in batches for name, each in batch if each}}
    gone = {name for name, each in {name: each for batch in batches for name, each in batch}.items() if each is None}
    known = {n: each for n, each in last.items() if n not in gone}
    can_be_shown = {name: each for name, each in known.items() if not each.hidden}
    shown = {name: each for name, each in can_be_shown.items() if "fake@1" in each.embeddings}

    assert catalog.counts().searchable == len(shown)
    assert catalog.counts().no_vector == len(can_be_shown) - len(shown)
    assert catalog.counts().unavailable == len(known) - len(can_be_shown)
    pictures = {each.embeddings["fake@1"] for each in shown.values()}
    assert found_with_copies(catalog, "red-9") == set(shown)
    assert len(found(catalog, "red-9")) == catalog.pictures.indexed == len(pictures)
    assert {name: facts(catalog, name)[2] for name in known} == {n: each.uploaded_at_ms for n, each in known.items()}
    latest = dict[bytes, int]()
    for each in shown.values():
        picture = each.embeddings["fake@1"]
        latest[picture] = max(latest.get(picture, 0), each.uploaded_at_ms)
    fresh = [*latest.values(), *(each.uploaded_at_ms for n, each in can_be_shown.items() if n not in shown)]
    assert [known[name].uploaded_at_ms for name in freshest(catalog, 99)] == sorted(fresh, reverse=True)
    assert catalog.choices == len(fresh)
    for name, each in shown.items():
        np.testing.assert_array_equal(
            catalog.pictures.vectors(catalog.rows_of(np.array([key_of(name)], np.uint64)))[0], each.vector("fake@1")
        )


def test_a_catalogue_counts_its_changes() -> None:
    catalog, copy = Catalog(DIMENSIONS), Catalog(DIMENSIONS)
    catalog.apply(reds_and_blues(2))
    catalog.apply([("red-0", None)])
    copy.fill(catalog.contents())

    assert (catalog.changes, copy.changes) == (2, 1)
