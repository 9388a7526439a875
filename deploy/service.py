"""The interface of a service of the stack."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

ServiceName = Literal["kafka", "redis", "triton"]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a service: the program with its arguments, and additions to the environment."""

    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)


class Service(Protocol):
    """A server that can run on this machine; the first name in `port_names` is the port that clients use."""

    @property
    def name(self) -> ServiceName:
        """The name of the service."""

    @property
    def port_names(self) -> tuple[str, ...]:
        """The names of its ports."""

    @property
    def data(self) -> Path:
        """The folder of its data."""

    @property
    def release(self) -> str | None:
        """The version that we run, for a server that does not report its own; else None."""

    def prepare(self, progress: Progress) -> None:
        """Install what is missing; StackError if that is not possible."""

    def command(self, ports: Mapping[str, int]) -> Command:
        """Write the configuration for these ports and return the start command."""

    def clean(self) -> None:
        """Remove what a killed process leaves outside its data folder."""

    def address(self, port: int) -> str:
        """The address for clients, given a port of localhost."""

    def probe(self, address: str, *, timeout: float) -> str | None:
        """The version of a healthy server, None if it does not report one; NoAnswerError with the reason."""
