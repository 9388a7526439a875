import pytest

from inference.catalog.item_ids import ItemIds


@pytest.fixture
def ids() -> ItemIds:
    return ItemIds(["i1", "", "größer/二", "i4"])


def test_ids_are_given_by_their_rows(ids: ItemIds) -> None:
    assert (ids[0], ids[1], ids[2], ids[3], len(ids)) == ("i1", "", "größer/二", "i4", 4)
    with pytest.raises(IndexError):
        ids[4]


def test_a_row_may_be_given_another_id(ids: ItemIds) -> None:
    assert [ids[row] for row in range(4)] == list(ids)
    ids[1] = "something longer"
    ids[2] = "x"

    assert [ids[row] for row in range(4)] == ["i1", "something longer", "x", "i4"]
    assert list(ids) == ["i1", "something longer", "x", "i4"]


def test_what_no_row_has_any_more_takes_no_memory_for_long(ids: ItemIds) -> None:
    for number in range(1000):
        ids[1] = f"a name that is not short {number}"

    text, _ = ids.packed()
    assert text.decode() == "i1a name that is not short 999größer/二i4"
    assert list(ids) == ["i1", "a name that is not short 999", "größer/二", "i4"]


def test_what_was_packed_is_unpacked(ids: ItemIds) -> None:
    again = ItemIds.unpacked(*ids.packed())
    again.append("i5")

    assert list(again) == [*ids, "i5"]
