# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = ["quixstreams==3.28.1"]
# ///
"""A reference: a quixstreams application with default settings; it sends every message on unchanged.

quixstreams needs an older confluent-kafka than ours and forty more packages, so uv creates a separate environment at
the first run: `uv run --script echo_quixstreams.py KAFKA GROUP EVENTS_TOPIC ANSWERS_TOPIC DATA_FOLDER`.
Without arguments it ends at once, which shows that quixstreams can be imported.
"""

import sys

from quixstreams import Application  # type: ignore[import-not-found]  # not in the environment of the project


def echo(kafka: str, group: str, events: str, answers: str, folder: str) -> None:
    """Consume and send until SIGTERM."""
    app = Application(
        broker_address=kafka,
        consumer_group=group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        state_dir=folder,
        loglevel="WARNING",
    )
    incoming = app.topic(events, key_deserializer="bytes", value_deserializer="bytes")
    outgoing = app.topic(answers, key_serializer="bytes", value_serializer="bytes")
    app.dataframe(incoming).to_topic(outgoing)
    app.run()


if __name__ == "__main__" and sys.argv[1:]:
    echo(*sys.argv[1:])
