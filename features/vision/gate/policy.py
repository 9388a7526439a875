"""What becomes of a picture with a fault: it is shown, held until a person allows it, or refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Self, get_args

from features.vision.gate.table import CHECKS, Fault, ModelFault

Decision = Literal["allow", "hold", "drop"]
FAULTS: Final[tuple[Fault, ...]] = (*CHECKS, *get_args(ModelFault), "copy")


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """The decision for each fault; a fault that is not named is allowed, and reported all the same."""

    rules: Mapping[Fault, Decision] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `fault:decision` pairs separated by commas; raises ValueError.

        >>> GatePolicy.parse("blur:hold,copy:drop").rules
        {'blur': 'hold', 'copy': 'drop'}
        """
        rules: dict[Fault, Decision] = {}
        for pair in filter(None, map(str.strip, text.split(","))):
            name, _, said = (part.strip() for part in pair.partition(":"))
            fault = next((each for each in FAULTS if each == name), None)
            decision: Decision | None = next((each for each in get_args(Decision) if each == said), None)
            if fault is None or decision is None:
                known = f"one of {', '.join(FAULTS)}, a colon, and allow, hold or drop"
                raise ValueError(f"has {pair!r}, which is not {known}")
            if fault in rules:
                raise ValueError(f"names {fault!r} twice")
            rules[fault] = decision
        return cls(rules)

    @property
    def asked(self) -> tuple[ModelFault, ...]:
        """The faults of which models are asked: those of which anything is said."""
        return tuple(fault for fault in get_args(ModelFault) if fault in self.rules)

    def decision(self, fault: Fault) -> Decision:
        """What a fault alone leads to."""
        return self.rules.get(fault, "allow")

    def that(self, decision: Decision, faults: Iterable[Fault]) -> tuple[Fault, ...]:
        """Those of the faults that lead to this decision."""
        return tuple(fault for fault in faults if self.decision(fault) == decision)
