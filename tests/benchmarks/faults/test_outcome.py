import pytest

from benchmarks.faults.outcome import Outcome


@pytest.mark.parametrize(
    ("lost", "double_applied", "wrong", "passed"),
    [(0, 0, (), True), (1, 0, (), False), (0, 1, (), False), (0, 0, ("too late",), False)],
    ids=["nothing wrong", "one lost", "one applied twice", "too late"],
)
def test_a_fault_passes_when_nothing_is_wrong(
    lost: int, double_applied: int, wrong: tuple[str, ...], passed: bool
) -> None:
    assert Outcome("tried", 100, lost, double_applied, 1.0, wrong).passed is passed
