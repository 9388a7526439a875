"""What `sightline rebuild` does: it makes the state again from the log."""

import asyncio
from dataclasses import asdict

from rich.progress import Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from cli.console import styled
from cli.operate.topic_bars import topic_bars
from cli.output import print_json, results
from deploy.local import Stack
from streams.replay.rebuild import Rebuilt, rebuild_state
from streams.settings import read_settings


def replace_state(from_earliest: bool, as_json: bool) -> None:
    """Rebuild the state, replace the present one, and print what was done."""
    settings = read_settings()
    endpoints = Stack(settings).endpoints()
    with topic_bars(_Rate(), TimeRemainingColumn()) as progress:
        rebuilt = asyncio.run(
            rebuild_state(settings, endpoints.kafka, endpoints.redis, from_earliest=from_earliest, progress=progress)
        )
    if as_json:
        print_json(asdict(rebuilt))
    else:
        _print(rebuilt)


class _Rate(TextColumn):
    """A column with the rate in records per second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        """The rate of one task."""
        return styled(f"{task.speed or 0:,.0f}/s")


def _print(rebuilt: Rebuilt) -> None:
    console = results()
    console.print(
        f"{rebuilt.events:,} events and {rebuilt.signals:,} signals applied in {rebuilt.seconds:.1f} s "
        f"({rebuilt.events_per_s:,.0f} events/s); {rebuilt.removed_keys:,} old keys removed"
    )
    if rebuilt.items:
        console.print(f"{rebuilt.items:,} items came from the catalogue")
    for partition, count in rebuilt.lost.items():
        console.print(styled((f"events.interactions[{partition}]: the first {count:,} records are lost", "yellow")))
