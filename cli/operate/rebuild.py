"""`sightline rebuild`: the state made anew from the log."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from cli.output import JsonOption, print_json, results
from deploy.local import Stack
from streams.replay import replayer
from streams.replay.rebuild import Rebuilt, rebuild_state
from streams.settings import read_settings


def rebuild(
    from_earliest: Annotated[
        bool, typer.Option(help="Go on where retention has taken the first events: what they did is lost.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make profiles and items anew from Kafka, beside what Redis holds, and put them in its place.

    Workers may run: they notice, and go on from there. Interrupted, it goes on where it was when it is run again.
    """
    settings = read_settings()
    endpoints = Stack(settings).endpoints()
    with _bar() as progress:
        rebuilt = asyncio.run(
            rebuild_state(settings, endpoints.kafka, endpoints.redis, from_earliest=from_earliest, progress=progress)
        )
    if as_json:
        print_json(asdict(rebuilt))
    else:
        _print(rebuilt)


@contextmanager
def _bar() -> Iterator[replayer.Progress]:
    """A progress bar with its rate on stderr for each topic that is read."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bar:

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done, total=of)

        yield show


class _Rate(TextColumn):
    """Records a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        """See TextColumn."""
        return Text(f"{task.speed or 0:,.0f}/s")


def _print(rebuilt: Rebuilt) -> None:
    console = results()
    console.print(
        f"{rebuilt.events:,} events and {rebuilt.signals:,} signals applied in {rebuilt.seconds:.1f} s "
        f"({rebuilt.events_per_s:,.0f} events/s); {rebuilt.removed_keys:,} old keys removed",
        highlight=False,
    )
    if rebuilt.items:
        console.print(f"{rebuilt.items:,} items came from the catalogue", highlight=False)
    for partition, count in rebuilt.lost.items():
        console.print(Text(f"events.interactions[{partition}]: the first {count:,} records are lost", style="yellow"))
