"""What `sightline items held` does: it lists the items that the gate holds, and publishes a person's yes or no."""

import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import typer
from rich.table import Table

from cli.output import print_json, progress, results, when
from cli.running import running_stores
from cli.sheets.contact_sheet import Cell
from cli.sheets.show import show_sheet
from deploy.local import Endpoints
from features.item import Item
from streams.catalog.contents import read_items
from streams.client import EventPublisher
from streams.credentials import kafka_security
from streams.kafka.log_reader import KafkaLogReader, LogReader
from streams.settings import Settings, read_settings
from streams.wire.events import ItemChange
from streams.wire.namespace import Namespace


def show_held(allow: Sequence[str], drop: Sequence[str], sheet: str | None, as_json: bool) -> None:
    """Print the held items, or decide on some of them; a decision on an item that is not held is refused."""
    settings = read_settings()
    with running_stores(settings) as endpoints:
        with closing(KafkaLogReader(endpoints.kafka, security=kafka_security(settings))) as log:
            held = held_items(log, Namespace(settings.topic_prefix), settings.partitions)
        for item_id in (*allow, *drop):
            if item_id not in held:
                raise typer.BadParameter(f"item {item_id!r} is not held: `sightline items held` lists those that are")
        _decide(settings, endpoints, allow, drop)
        decided = {*allow, *drop}
        waiting = [item for item_id, item in held.items() if item_id not in decided]
        if sheet is not None:
            cells = [Cell(item.item_id, item.item_id, why(item)) for item in waiting]
            show_sheet(settings, endpoints, sheet, "held items", cells)
    if as_json:
        print_json({"held": [_plain(item) for item in waiting], "allowed": list(allow), "dropped": list(drop)})
    else:
        _print(waiting, decided)


def held_items(log: LogReader, namespace: Namespace, partitions: int) -> Mapping[str, Item]:
    """The held items of the catalogue by id, those that were uploaded first at the start."""
    found = read_items(log, namespace, partitions, lambda item: item if item.is_held else None)
    return dict(sorted(found.items(), key=lambda each: each[1].uploaded_at_ms))


def why(item: Item) -> str:
    """Why an item is held, for people."""
    return ", ".join(f"copy of {item.copy_of}" if fault == "copy" else fault for fault in item.held)


def _decide(settings: Settings, endpoints: Endpoints, allow: Sequence[str], drop: Sequence[str]) -> None:
    if not (allow or drop):
        return
    now_ms = time.time_ns() // 1_000_000
    with EventPublisher(endpoints.kafka, prefix=settings.topic_prefix, security=kafka_security(settings)) as publisher:
        for item_id in allow:
            publisher.publish(ItemChange(event_id=_new_id(), occurred_at_ms=now_ms, item_id=item_id, allowed=True))
        for item_id in drop:
            publisher.publish(ItemChange(event_id=_new_id(), occurred_at_ms=now_ms, item_id=item_id, deleted=True))


def _new_id() -> str:
    return uuid.uuid4().hex


def _plain(item: Item) -> dict[str, Any]:
    picture = None if item.kept_picture is None else item.kept_picture.preview
    return {
        "item_id": item.item_id,
        "owner": item.owner,
        "held": item.held,
        "faults": item.faults,
        "copy_of": item.copy_of,
        "uploaded_at_ms": item.uploaded_at_ms,
        "picture": picture,
    }


def _print(waiting: Sequence[Item], decided: set[str]) -> None:
    if decided:
        progress(f"{len(decided)} decided; the items worker applies it")
    if not waiting:
        progress("no item is held")
        return
    table = Table("item", "owner", "held for", "uploaded")
    for item in waiting:
        table.add_row(item.item_id, item.owner or "", why(item), when(item.uploaded_at_ms))
    results().print(table)
