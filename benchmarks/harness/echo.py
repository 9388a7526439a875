"""The reference: a Faust agent as anyone would write it, which sends every message on as it is.

Faust's own transport, producer and settings; only its web server is off, since it wants a fixed port. With `--patched`
the same agent on our transport, which tells what others would gain from its patches (docs/faust.md).
Run it with `python -m benchmarks.harness.echo KAFKA GROUP EVENTS_TOPIC ANSWERS_TOPIC DATA_FOLDER [--patched]`.
"""

import sys
from pathlib import Path
from typing import Any

import faust
from faust.types import TP

from streams.kafka import transport


class PatchedApp(faust.App):
    """An app on our transport that resumes where Kafka says, as any other."""

    async def read_positions(self, _: set[TP]) -> dict[TP, int]:
        """No partition has a position of its own."""
        return {}

    async def check_log(self, _topic: str, _partitions: object) -> None:
        """There is no state that a topic could contradict."""


def make_echo(kafka: str, group: str, events: str, answers: str, folder: Path, *, patched: bool = False) -> faust.App:
    """The app of one agent: consume, `topic.send`."""
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
