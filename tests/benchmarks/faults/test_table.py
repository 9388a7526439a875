import pytest

from benchmarks.faults.table import FAULTS, UnknownFault, find_faults


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) > 20


def test_without_names_all_faults_are_found() -> None:
    assert find_faults([]) == list(FAULTS)


def test_named_faults_come_in_the_order_of_their_names() -> None:
    assert [fault.name for fault in find_faults(["redis-full", "poison"])] == ["redis-full", "poison"]


def test_the_error_for_an_unknown_fault_lists_the_known_ones() -> None:
    with pytest.raises(UnknownFault, match="no fault 'earthquake'; there are worker-killed, "):
        find_faults(["earthquake"])
