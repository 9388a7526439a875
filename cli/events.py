"""`sightline publish` and `sightline tail`: events in and lists out, by hand."""

import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, BinaryIO, Literal

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from cli.output import JsonOption, print_json, progress, results
from cli.pseudonyms import known_as, pseudonym_key
from cli.reasons import sentence
from deploy.local import Stack
from streams.client import EventPublisher, RecommendationSubscriber
from streams.credentials import kafka_security
from streams.errors import InvalidEvent
from streams.settings import Settings, read_settings
from streams.wire.events import Interaction, InteractionType, ItemChange, Recommendations, Upload, encode

LineEvent = Interaction | Upload | ItemChange


def publish(
    kind: Annotated[InteractionType | None, typer.Option("--type", help="What the user did.")] = None,
    user: Annotated[str | None, typer.Option(help="Who: the user's id.")] = None,
    item: Annotated[str | None, typer.Option(help="With what: the item's id.")] = None,
    rating: Annotated[float | None, typer.Option(help="1 to 5, for --type rate.")] = None,
    dwell_ms: Annotated[int | None, typer.Option(help="How long the user stayed.")] = None,
    rec_id: Annotated[str | None, typer.Option(help="The list in which the user saw the item.")] = None,
    position: Annotated[int | None, typer.Option(help="The item's place in that list, from 0.")] = None,
    surface: Annotated[str | None, typer.Option(help="Where in the app, such as home.")] = None,
    event_id: Annotated[str | None, typer.Option(help="A unique id; one is made when left out.")] = None,
    file: Annotated[
        typer.FileBinaryRead | None,
        typer.Option(help="JSON lines instead of flags, '-' for stdin: interactions, uploads, item changes."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Publish one interaction from flags, or events from JSON lines, and wait until Kafka has them."""
    if file is None and not (kind and user and item):
        raise typer.BadParameter("give --type, --user and --item, or --file with JSON lines")
    fields = {"type": kind, "user_id": user, "item_id": item, "rating": rating, "dwell_ms": dwell_ms}
    fields |= {"rec_id": rec_id, "position": position, "surface": surface, "event_id": event_id}
    given = {name: value for name, value in fields.items() if value is not None}
    settings = read_settings()
    with EventPublisher(
        _kafka(settings),
        prefix=settings.topic_prefix,
        security=kafka_security(settings),
        pseudonym_key=pseudonym_key(settings),
    ) as publisher:
        count, last = _publish_all(publisher, read_lines(file) if file else iter([to_event(given)]))
    report = {"published": count, **last}
    if as_json:
        print_json(report)
    else:
        results().print(" ".join(f"{name}={value}" for name, value in report.items()), markup=False, soft_wrap=True)


def tail(
    user: Annotated[str | None, typer.Option(help="This user's lists only.")] = None,
    kind: Annotated[Literal["feed", "similar"] | None, typer.Option(help="This kind only.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many lists.")] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="End after so many seconds; exit code 1 if no list came.")
    ] = None,
    from_beginning: Annotated[bool, typer.Option(help="Begin with the oldest list that is kept.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show refreshed lists as they arrive (--json: each as one line)."""
    settings = read_settings()
    shown = 0
    with RecommendationSubscriber(
        _kafka(settings),
        prefix=settings.topic_prefix,
        user_id=None if user is None else known_as(settings, user),
        kind=kind,
        from_beginning=from_beginning,
        security=kafka_security(settings),
    ) as subscriber:
        progress("waiting for lists; Ctrl-C ends")
        with _until_interrupted():
            for lists in _arriving(subscriber, count, timeout):
                shown += 1
                _show(lists, as_json)
    if not shown and timeout is not None:
        progress(f"no list came within {timeout:g} s")
        raise typer.Exit(1)


def to_event(fields: dict[str, Any]) -> LineEvent:
    """Make an event of its fields, with an id and the present time where those are left out; or InvalidEvent."""
    whole = {"event_id": uuid.uuid4().hex, "occurred_at_ms": time.time_ns() // 1_000_000, **fields}
    try:
        if "type" in fields:
            return msgspec.convert(whole, Interaction)
        if fields.keys() & {"image", "image_ref", "video_ref"}:
            return msgspec.convert(whole, Upload)
        return msgspec.convert(whole, ItemChange)
    except msgspec.ValidationError as error:
        raise InvalidEvent("invalid_event", str(error)) from None


def read_lines(file: BinaryIO) -> Iterator[LineEvent]:
    """The events of a file of JSON lines, empty lines skipped; InvalidEvent names the line that is wrong."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            yield to_event(msgspec.json.decode(line, type=dict[str, Any]))
        except (msgspec.DecodeError, UnicodeDecodeError, InvalidEvent, RecursionError) as error:
            raise InvalidEvent(
                "invalid_event", f"line {number} is not an event, the lines before it are published: {error}"
            ) from None


def _publish_all(publisher: EventPublisher, events: Iterator[LineEvent]) -> tuple[int, dict[str, Any]]:
    """How many were acknowledged, and where the last one lies."""
    count, event, future = 0, None, None
    try:
        for count, event in enumerate(events, start=1):  # noqa: B007  both are used after the loop
            future = publisher.publish(event)
    finally:
        publisher.flush()
    if event is None or future is None:
        return 0, {}
    written = future.get(0)
    place = {"topic": written.topic, "partition": written.partition, "offset": written.offset}
    return count, {"event_id": event.event_id, **place}


def _arriving(
    subscriber: RecommendationSubscriber, count: int | None, timeout: float | None
) -> Iterator[Recommendations]:
    deadline = float("inf") if timeout is None else time.monotonic() + timeout
    given = 0
    while (count is None or given < count) and (left := deadline - time.monotonic()) > 0:
        batch = subscriber.poll(min(left, 1.0))
        batch = batch if count is None else batch[: count - given]
        given += len(batch)
        yield from batch


@contextmanager
def _until_interrupted() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        progress("ended")


def _show(lists: Recommendations, as_json: bool) -> None:
    if as_json:
        typer.echo(encode(lists))
        sys.stdout.flush()
        return
    trigger = f"{lists.trigger.type} on {lists.trigger.item_id}" if lists.trigger.item_id else lists.trigger.type
    title = f"{lists.user_id} · {lists.kind} · after {trigger} · seq {lists.seq}"
    table = Table("#", "item", "score", "source", "why", title=Text(title), title_justify="left")
    for place, item in enumerate(lists.items, start=1):
        why = "; ".join(map(sentence, item.reasons)) + (" (to learn about it)" if item.explore else "")
        table.add_row(str(place), Text(item.item_id), f"{item.score:.3f}", item.source, Text(why))
    if lists.degraded:
        table.caption = Text("done without: " + ", ".join(lists.degraded))
    results().print(table)


def _kafka(settings: Settings) -> str:
    return Stack(settings).endpoints().kafka
