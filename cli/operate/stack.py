"""What `sightline up`, `down` and `status` do: they run the services on this machine."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Column, Table

from cli.console import styled
from cli.output import print_json, progress, results
from deploy.local import ServiceStatus, Stack
from deploy.service import ServiceName
from deploy.workers import stop_workers
from streams.settings import read_settings

COLOURS = {"running": "green", "external": "cyan", "stopped": "dim", "unhealthy": "red"}


def up(services: Sequence[ServiceName], as_json: bool) -> None:
    """Start these services and print where they are."""
    stack = _stack()
    endpoints = stack.up(services)
    if as_json:
        print_json(asdict(endpoints))
    else:
        _print_table(stack.status())


def down(services: Sequence[ServiceName], as_json: bool, *, workers: bool) -> None:
    """Stop these services, before them the workers if asked to, and print what is left."""
    stack = _stack()
    if workers:
        stop_workers(read_settings(), progress=progress)
    stack.down(services)
    _print_status(stack, as_json)


def status(as_json: bool) -> None:
    """Print the state of every service."""
    _print_status(_stack(), as_json)


def _stack() -> Stack:
    return Stack(read_settings(), progress=progress)


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
        state = styled((row.state, COLOURS[row.state]))
        cells = (row.pid, row.address, row.version)
        table.add_row(row.name, state, *("" if cell is None else str(cell) for cell in cells))
    results().print(table)
    for folder in logs:
        results().print(f"logs: {folder}", soft_wrap=True)
