import pytest

from benchmarks.faults.fault import Outcome
from benchmarks.faults.table import FAULTS, UnknownFault, find_faults


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) > 20


def test_without_names_all_faults_are_meant() -> None:
    assert find_faults([]) == list(FAULTS)


def test_named_faults_come_in_the_order_of_their_names() -> None:
    assert [fault.name for fault in find_faults(["redis-full", "poison"])] == ["redis-full", "poison"]


def test_an_unknown_fault_is_told_the_known_ones() -> None:
    with pytest.raises(UnknownFault, match="no fault 'earthquake'; there are worker-killed, "):
        find_faults(["earthquake"])


@pytest.mark.parametrize(
    ("lost", "double_applied", "wrong", "passed"),
    [(0, 0, (), True), (1, 0, (), False), (0, 1, (), False), (0, 0, ("too late",), False)],
    ids=["nothing wrong", "one lost", "one applied twice", "too late"],
)
def test_a_fault_passes_when_nothing_is_wrong(
    lost: int, double_applied: int, wrong: tuple[str, ...], passed: bool
) -> None:
    assert Outcome("tried", 100, lost, double_applied, 1.0, wrong).passed is passed
