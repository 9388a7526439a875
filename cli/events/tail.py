"""What `sightline tail` does: it shows refreshed lists as they arrive."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import msgspec
import typer
from rich.table import Table

from cli.output import print_json, progress, results
from cli.reasons import sentence
from deploy.local import Stack
from streams.client import RecommendationSubscriber
from streams.credentials import kafka_security
from streams.pseudonyms import known_as
from streams.settings import read_settings
from streams.wire.events import Recommendations


def show_arriving(
    user: str | None,
    kind: Literal["feed", "similar"] | None,
    count: int | None,
    timeout_s: float | None,
    *,
    from_beginning: bool,
    as_json: bool,
) -> None:
    """Show lists until `count` came or the time is over; exit code 1 if none came in time."""
    settings = read_settings()
    shown = 0
    with RecommendationSubscriber(
        Stack(settings).endpoints().kafka,
        prefix=settings.topic_prefix,
        user_id=None if user is None else known_as(settings, user),
        kind=kind,
        from_beginning=from_beginning,
        security=kafka_security(settings),
    ) as subscriber:
        progress("waiting for lists; Ctrl-C ends")
        with _until_interrupted():
            for lists in _arriving(subscriber, count, timeout_s):
                shown += 1
                _show(lists, as_json)
    if not shown and timeout_s is not None:
        progress(f"no list came within {timeout_s:g} s")
        raise typer.Exit(1)


def _arriving(
    subscriber: RecommendationSubscriber, count: int | None, timeout_s: float | None
) -> Iterator[Recommendations]:
    deadline = float("inf") if timeout_s is None else time.monotonic() + timeout_s
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
        print_json(msgspec.to_builtins(lists))
        sys.stdout.flush()
        return
    trigger = f"{lists.trigger.type} on {lists.trigger.item_id}" if lists.trigger.item_id else lists.trigger.type
    title = f"{lists.user_id} · {lists.kind} · after {trigger} · seq {lists.seq}"
    table = Table("#", "item", "score", "source", "why", title=title, title_justify="left")
    for place, item in enumerate(lists.items, start=1):
        why = "; ".join(map(sentence, item.reasons)) + (" (to learn about it)" if item.explore else "")
        table.add_row(str(place), item.item_id, f"{item.score:.3f}", item.source, why)
    if lists.degraded:
        table.caption = "done without: " + ", ".join(lists.degraded)
    results().print(table)
