"""`sightline up`, `down` and `status`: the stack on this machine."""

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Column, Table

from cli.output import JsonOption, print_json, progress, results
from deploy.local import ServiceStatus, Stack
from deploy.service import ServiceName
from deploy.workers import stop_workers
from streams.settings import read_settings


class ServiceChoice(StrEnum):
    """The services by name, as a word on the command line."""

    KAFKA = "kafka"
    REDIS = "redis"
    TRITON = "triton"


ServicesArgument = Annotated[
    list[ServiceChoice] | None, typer.Argument(help="Which services; all of them when none is named.")
]

COLOURS = {"running": "green", "external": "cyan", "stopped": "dim", "unhealthy": "red"}


def up(services: ServicesArgument = None, as_json: JsonOption = False) -> None:
    """Start Kafka, Redis and Triton, whichever is not running yet, and wait until they are healthy."""
    stack = _stack()
    endpoints = stack.up(_names(services))
    if as_json:
        print_json(asdict(endpoints))
    else:
        _print_table(stack.status())


def down(services: ServicesArgument = None, as_json: JsonOption = False) -> None:
    """End the services that `up` started, and workers left running if no service is named; their data stay."""
    stack = _stack()
    if not services:
        stop_workers(read_settings(), progress=progress)
    stack.down(_names(services))
    _print_status(stack, as_json)


def status(as_json: JsonOption = False) -> None:
    """Show each service's state, address and version, and where the logs are; --json tells all."""
    _print_status(_stack(), as_json)


def _stack() -> Stack:
    return Stack(read_settings(), progress=progress)


def _names(services: Sequence[ServiceChoice] | None) -> list[ServiceName]:
    return [choice.value for choice in services or ServiceChoice]


def _print_status(stack: Stack, as_json: bool) -> None:
    rows = stack.status()
    if as_json:
        print_json({row.name: asdict(row) for row in rows})
    else:
        _print_table(rows)


def _print_table(rows: Sequence[ServiceStatus]) -> None:
    logs = {str(row.log.parent) for row in rows if row.log is not None}
    table = Table("service", "state", "pid", Column("address", no_wrap=True), "version")
    for row in rows:
        state = f"[{COLOURS[row.state]}]{row.state}"
        cells = (row.pid, row.address, row.version)
        table.add_row(row.name, state, *("" if cell is None else str(cell) for cell in cells))
    results().print(table)
    for folder in logs:
        results().print(f"logs: {folder}", soft_wrap=True, highlight=False)
