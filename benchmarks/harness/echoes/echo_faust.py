"""The reference: a plain Faust agent that sends every message on unchanged.

It uses Faust's own transport, producer and settings; only the web server is off, since it needs a fixed port. With
`--patched` the same agent runs on our transport, which shows the gain of its patches (docs/faust.md). Run it with
`python -m benchmarks.harness.echoes.echo_faust KAFKA GROUP EVENTS_TOPIC ANSWERS_TOPIC DATA_FOLDER [--patched]`.
"""

import sys
from pathlib import Path
from typing import Any

import faust
from faust.types import TP

from streams.kafka import transport


class PatchedApp(faust.App):
    """An app on our transport that resumes from the offsets committed to Kafka."""

    async def read_positions(self, _: set[TP]) -> dict[TP, int]:
        """No partition has a stored position."""
        return {}

    async def check_log(self, _topic: str, _partitions: object) -> None:
        """Nothing to check: this app keeps no state."""


def make_echo(kafka: str, group: str, events: str, answers: str, folder: Path, *, patched: bool = False) -> faust.App:
    """An app with one agent, which consumes and calls `topic.send`."""
    kind, scheme = (PatchedApp, transport.SCHEME) if patched else (faust.App, "kafka")
    app = kind(group, broker=f"{scheme}://{kafka}", web_enabled=False, datadir=folder, autodiscover=False)
    incoming = app.topic(events, key_type=bytes, value_type=bytes, value_serializer="raw")
    outgoing = app.topic(answers, key_type=bytes, value_type=bytes, value_serializer="raw")

    @app.agent(incoming)
    async def echo(stream: Any) -> None:
        async for event in stream.events():
            await outgoing.send(key=event.key, value=event.value)

    return app


if __name__ == "__main__":
    _, kafka, group, events, answers, folder, *options = sys.argv
    app = make_echo(kafka, group, events, answers, Path(folder), patched="--patched" in options)
    faust.Worker(app, loglevel="WARN").execute_from_commandline()
