import numpy as np
import pytest

from inference.catalog.facts.attributes import AttributeRows
from inference.catalog.facts.currencies import currency_code, currency_name
from tests.harness.catalog import item
from tests.harness.lists import catalog_of


def test_a_row_has_what_was_put_last() -> None:
    rows = AttributeRows()
    rows.put(3, {"brand": "Acme", "size": "42"})
    rows.put(3, {"brand": "Acme", "style": "plain"})
    every = np.array([0, 3])

    assert rows.have(every, "brand", "Acme").tolist() == [False, True]
    assert rows.have(every, "style", "plain").tolist() == [False, True]
    assert rows.have(every, "size", "42").tolist() == [False, False]
    assert rows.have(every, "brand", "acme").tolist() == [False, False]
    assert rows.rows == 1


def test_a_pair_that_no_item_has_any_more_leaves_no_trace() -> None:
    rows = AttributeRows()
    for number in range(1000):
        rows.put(0, {"serial": str(number)})
    rows.put(0, {})

    assert (len(rows.names), rows.rows, int(rows.counts.sum())) == (3, 0, 0)


def test_attributes_come_back_from_what_is_stored() -> None:
    rows = AttributeRows()
    for row, brand in enumerate(("Acme", "Zeta", "Acme")):
        rows.put(row, {"brand": brand})
    rows.put(1, {})
    back = AttributeRows.of(rows.stored(3), rows.names)
    back.put(1, {"brand": "Beta"})

    assert back.have(np.arange(3), "brand", "Acme").tolist() == [True, False, True]
    assert back.have(np.arange(3), "brand", "Beta").tolist() == [False, True, False]
    assert (back.rows, len(back.names)) == (3, 3)


def test_stored_codes_without_names_are_refused() -> None:
    with pytest.raises(ValueError, match="codes without names"):
        AttributeRows.of(np.full((1, 20), 7, np.int32), [("", "")])


def test_an_item_that_leaves_the_catalogue_takes_its_attributes_along() -> None:
    catalog = catalog_of(("red-0", item("red-0", attributes={"brand": "Acme"}, currency="EUR")))
    assert currency_name(int(catalog.currencies[0])) == "EUR"
    catalog.apply([("red-0", None), ("red-1", item("red-1"))])

    assert (catalog.attributes.rows, int(catalog.currencies[0])) == (0, 0)


@pytest.mark.parametrize("name", ["AAA", "EUR", "ZZZ"])
def test_a_currency_comes_back_from_its_number(name: str) -> None:
    assert currency_name(currency_code(name)) == name
    assert 0 < currency_code(name) < 2**15
