"""What `sightline up`, `down` and `status` do: they run the services on this machine."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Column, Table

from cli.console import styled
from cli.output import print_json, progress, results
from deploy.local import ServiceStatus, Stack
from deploy.service import ServiceName
from deploy.workers import Worker, running_workers, stop_workers, what_is_missing
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
    _print_services(stack, as_json)


def status(as_json: bool) -> None:
    """Print the state of every service, and of the workers of this home, on whatever services they are."""
    services = _stack().status()
    workers = [(worker, what_is_missing(worker.metrics_port)) for worker in running_workers(read_settings())]
    if as_json:
        print_json({row.name: asdict(row) for row in services} | {"workers": [_plain(*each) for each in workers]})
        return
    _print_table(services)
    if workers:
        _print_workers(workers)


def _plain(worker: Worker, missing: str | None) -> dict[str, object]:
    return {
        "name": worker.name,
        "number": worker.number,
        "pid": worker.process.pid,
        "metrics_port": worker.metrics_port,
        "web_port": worker.web_port,
        "ready": missing is None,
        "missing": missing,
        "log": worker.log,
    }


def _print_workers(workers: Sequence[tuple[Worker, str | None]]) -> None:
    table = Table("worker", "state", "pid", Column("address", no_wrap=True))
    for worker, missing in workers:
        state = styled(("ready", "green")) if missing is None else styled((f"not ready: {missing}", "red"))
        address = f"127.0.0.1:{worker.metrics_port}/metrics"
        if worker.web_port is not None:
            address = f"http://127.0.0.1:{worker.web_port}"
        table.add_row(worker.title, state, str(worker.process.pid), address)
    results().print(table)


def _stack() -> Stack:
    return Stack(read_settings(), progress=progress)


def _print_services(stack: Stack, as_json: bool) -> None:
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
