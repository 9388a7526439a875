"""What the stack needs to know of each service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

ServiceName = Literal["kafka", "redis", "triton"]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a service: the program with its arguments, and what to add to the environment."""

    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)


class Service(Protocol):
    """A server that can run on this machine; the first name in `port_names` is the port that clients use."""

    @property
    def name(self) -> ServiceName:
        """Its name."""

    @property
    def port_names(self) -> tuple[str, ...]:
        """What it needs ports for."""

    @property
    def data(self) -> Path:
        """Where its data lie."""

    @property
    def release(self) -> str | None:
        """The version that we run, where the server itself does not tell it."""

    def prepare(self, progress: Progress) -> None:
        """Install what is missing; StackError if that cannot be done."""

    def command(self, ports: Mapping[str, int]) -> Command:
        """Write the configuration for these ports and say how to start."""

    def clean(self) -> None:
        """Remove what a killed process leaves behind outside its data."""

    def address(self, port: int) -> str:
        """The address that clients use, for a port of localhost."""

    def probe(self, address: str, *, timeout: float) -> str | None:
        """A healthy server's version, None if it does not tell; NoAnswerError with the reason."""
