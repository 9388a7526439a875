"""The reference: a Faust agent as anyone would write it, which sends every message on as it is.

Faust's own transport, producer and settings; only its web server is off, since it wants a fixed port.
Run it with `python -m benchmarks.echo KAFKA EVENTS_TOPIC ANSWERS_TOPIC DATA_FOLDER`.
"""

import sys
from pathlib import Path
from typing import Any

import faust


def make_echo(kafka: str, events: str, answers: str, folder: Path) -> faust.App:
    """The app of one agent: consume, `topic.send`."""
    app = faust.App("echo", broker=f"kafka://{kafka}", web_enabled=False, datadir=folder, autodiscover=False)
    incoming = app.topic(events, key_type=bytes, value_type=bytes, value_serializer="raw")
    outgoing = app.topic(answers, key_type=bytes, value_type=bytes, value_serializer="raw")

    @app.agent(incoming)
    async def echo(stream: Any) -> None:
        async for event in stream.events():
            await outgoing.send(key=event.key, value=event.value)

    return app


if __name__ == "__main__":
    _, kafka, events, answers, folder = sys.argv
    faust.Worker(make_echo(kafka, events, answers, Path(folder)), loglevel="WARN").execute_from_commandline()
