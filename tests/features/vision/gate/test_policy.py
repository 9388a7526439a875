import pytest

from features.vision.gate.policy import GatePolicy
from features.vision.gate.table import Fault


def test_each_fault_has_its_decision_and_others_are_allowed() -> None:
    policy = GatePolicy.parse("blur:hold, copy:drop,dark:allow")
    faults: tuple[Fault, ...] = ("blur", "dark", "border", "copy")
    assert (policy.that("hold", faults), policy.that("drop", faults)) == (("blur",), ("copy",))
    assert [policy.decision(fault) for fault in faults] == ["hold", "allow", "allow", "drop"]


def test_nothing_said_allows_everything() -> None:
    assert GatePolicy.parse("").that("allow", ("blur",)) == ("blur",)


@pytest.mark.parametrize("text", ["blur", "blur:keep", "ugly:hold", "hold:blur", "blur:hold:drop", ":"])
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="one of plain, small, blur, dark, bright, border, unsafe, text, copy"):
        GatePolicy.parse(text)


def test_a_fault_with_two_decisions_is_refused() -> None:
    with pytest.raises(ValueError, match="names 'blur' twice"):
        GatePolicy.parse("blur:hold,blur:drop")
