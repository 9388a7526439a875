"""How bodies with events are written, by their Content-Type."""

from typing import Final

#: One event a line. There are four names and no standard; the first is the one that documents give.
JSON_LINES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
#: A CloudEvent, and a JSON array of them (CloudEvents, JSON event format, sections 3 and 4).
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
