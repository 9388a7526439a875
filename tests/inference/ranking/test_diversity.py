from dataclasses import replace

import numpy as np
import pytest

from features.item import Item, key_of
from inference.catalog.catalog import Catalog
from inference.catalog.copies import SAME_PICTURE
from tests.harness.catalog import DIMENSIONS, ENCODER, NOW, act, item, reds_and_blues, vector
from tests.harness.lists import at_angle, catalog_of, ids, ranked, unlike_all


def test_one_picture_stands_in_the_list_once() -> None:
    copies = [(f"copy-{n}", at_angle(f"copy-{n}", SAME_PICTURE + 0.005)) for n in range(5)]
    shop = catalog_of(*reds_and_blues(6), *copies)
    found = ids(ranked(shop, act("red-1"), length=20))

    assert sum(name.startswith("copy") or name == "red-0" for name in found) == 1


def test_alike_pictures_take_turns_with_unlike_ones() -> None:
    close = [(f"close-{n}", _close(n)) for n in range(8)]
    shop = catalog_of(*close, ("red-9", item("red-9")), ("red-5", item("red-5")))
    found = ids(ranked(shop, act("red-5"), length=4))

    # By score alone the first four were all close to one another.
    assert "red-9" in found


def _close(number: int) -> Item:
    """Items that look alike with cosine 0.95, and a little more like red-5 than other reds."""
    looks = 0.95 * (0.85 * vector("red-5") + np.sqrt(1 - 0.85**2) * np.eye(DIMENSIONS, dtype=np.float32)[-1])
    looks[40 + number] = np.sqrt(1 - float(looks @ looks))
    return replace(item("red-0"), item_id=f"close-{number}", embeddings={ENCODER: looks.astype("<f2").tobytes()})


def test_a_list_of_unlike_pictures_is_more_diverse_than_one_of_alike_ones() -> None:
    unlike = ranked(catalog_of(*((f"i{n}", unlike_all(n)) for n in range(6))))
    alike = ranked(catalog_of(*reds_and_blues(6)), act("red-0"), length=5)

    assert unlike.diversity == pytest.approx(1.0)
    assert alike.diversity == pytest.approx(0.3, abs=0.01)


def test_where_everything_is_the_same_picture_the_list_has_one_slot() -> None:
    found = ranked(catalog_of(*((f"i{n}", item(f"i{n}", looks="red-0")) for n in range(20))))

    assert len(found.items) == 1
    assert found.diversity == 1.0


def test_a_list_of_one_is_as_diverse_as_can_be() -> None:
    assert ranked(catalog_of(*reds_and_blues(2)), length=1).diversity == 1.0


def popular_reds_and(*changes: tuple[str, Item]) -> tuple[Catalog, dict[str, tuple[float, float]]]:
    reds = [f"red-{n}" for n in range(20)]
    return catalog_of(*((name, item(name)) for name in reds), *changes), dict.fromkeys(reds, (5.0, 5.0))


def test_a_list_of_known_items_keeps_a_slot_for_a_new_one() -> None:
    shop, trends = popular_reds_and(("new", replace(unlike_all(60, at_ms=NOW), item_id="new", category=None)))
    found = ranked(shop, act("red-19"), trends=trends, length=12)

    assert ids(found)[9] == "new"
    assert [slot.explore for slot in found.items] == [n == 9 for n in range(12)]
    assert len(set(ids(found))) == 12


def test_a_copy_of_what_the_list_has_is_nothing_to_explore() -> None:
    shop, trends = popular_reds_and(("copy", at_angle("copy", 0.999, at_ms=NOW, category=None)))
    many = {f"r{n}": item(f"r{n}", looks="red-0", at_ms=NOW - n) for n in range(70)}
    trends["red-0"] = (9.0, 9.0)  # it is in the list for sure
    shop.apply(list(many.items()))  # the nearest 64 are copies too, so some are fresh alone
    found = ranked(shop, act("red-19"), trends=trends, length=12)

    assert not any(slot.explore for slot in found.items)
    vectors = np.stack([shop.pictures.vectors(shop.rows_of(np.array([key_of(n)], np.uint64)))[0] for n in ids(found)])
    assert (vectors @ vectors.T - np.eye(12)).max() < SAME_PICTURE


def test_a_list_that_has_a_new_item_already_explores_no_other() -> None:
    found = ranked(catalog_of(*((f"i{n}", unlike_all(n, at_ms=NOW)) for n in range(20))), length=12)

    assert not any(slot.explore for slot in found.items)


def test_a_short_list_explores_nothing() -> None:
    shop, trends = popular_reds_and(("new", replace(unlike_all(60, at_ms=NOW), item_id="new", category=None)))

    assert not any(slot.explore for slot in ranked(shop, act("red-19"), trends=trends, length=9).items)
