"""What `sightline items show` does: it reads an item from Redis, and its picture from the store."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.table import Column, Table

from cli.output import print_json, progress, results, when
from cli.user.stored import stores
from deploy.local import Endpoints, Stack
from features.item import Item
from features.vision.tags.readable import readable
from streams.objects.errors import ObjectMissing
from streams.pictures.store import PictureStore
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace


def print_item(item_id: str, picture: Path | None, as_json: bool) -> None:
    """Print an item without its vectors, and write its picture to a file; exit code 1 if it is not known."""
    settings = read_settings()
    item = asyncio.run(_read(settings, Stack(settings).endpoints(), item_id))
    if item is None:
        progress(f"nothing is known of item {item_id!r}")
        raise typer.Exit(1)
    if picture is not None:
        picture.write_bytes(asyncio.run(_picture(settings, item)))
    if as_json:
        print_json(as_object(item))
        return
    table = Table("", Column(overflow="fold"), show_header=False, title=f"item {item_id}")
    for name, text in in_words(item, now_ms=time.time_ns() // 1_000_000).items():
        table.add_row(name, text)
    results().print(table)


def as_object(item: Item) -> dict[str, Any]:
    """The fields that have a value, and the readable tags; of vectors whose they are, of descriptors their bytes."""
    shown = {name: value for name, value in asdict(item).items() if value not in (None, (), {})}
    shown.pop("embeddings", None)
    if not item.allowed:
        # It says something of an item that a person allowed, and nothing of any other.
        shown.pop("allowed")
    if tags := readable(item.tags):
        shown["readable_tags"] = [asdict(tag) for tag in tags]
    if item.embeddings:
        shown["encoders"] = list(item.embeddings)
    if item.words is not None:
        shown["words"] = item.words.version
    if item.hashes is not None:
        shown["hashes"] = len(item.hashes)
    if item.descriptors is not None:
        shown["descriptors"] = len(item.descriptors)
    if item.clip is not None:
        shown["clip"] = {"duration_ms": item.clip.duration_ms, "frames": _frames(item)}
    if item.kept_picture is not None:
        shown["kept_picture"] = asdict(item.kept_picture) | {"sha256": item.kept_picture.sha256}
    return shown


def in_words(item: Item, now_ms: int) -> dict[str, str]:
    """What a person wants to know of an item at a time, by its name; nothing of what is not known."""
    kept = item.kept_picture
    shown = {
        "title": item.title,
        "description": item.description,
        "category": item.category,
        "own class": _shares([item.own_class] if item.own_class else []),
        "price": f"{item.price:.2f} {item.currency or ''}".rstrip() if item.price is not None else None,
        "attributes": ", ".join(f"{name}: {value}" for name, value in (item.attributes or {}).items()),
        "state": _state(item, now_ms),
        "owner": item.owner,
        "uploaded": when(item.uploaded_at_ms) if item.uploaded_at_ms else None,
        "changed": when(item.changed_at_ms),
        "expires": when(item.expires_at_ms) if item.expires_at_ms is not None else None,
        "shows": _shares((tag.name, tag.probability) for tag in readable(item.tags)),
        "classes": _shares(item.tags),
        "colours": _shares(item.colours),
        "faults": ", ".join(item.faults),
        "copy of": item.copy_of,
        "clip": f"{item.clip.duration_ms / 1000:.1f} s, {_frames(item)} key frames" if item.clip else None,
        "picture": f"{kept.width}×{kept.height}, {kept.bytes:,} bytes, {kept.key}" if kept else None,
        "preview": kept.preview if kept and kept.preview != kept.key else None,
        "embedded by": ", ".join([*item.embeddings, *([item.words.version] if item.words else [])]),
    }
    return {name: text for name, text in shown.items() if text}


def _state(item: Item, now_ms: int) -> str:
    """All that keeps it out of lists, if anything does."""
    obstacles = {
        "deleted": item.deleted,
        "hidden": item.hidden,
        f"held for {', '.join(item.held)}": item.is_held,
        "sold out": not item.in_stock,
        "expired": item.expires_at_ms is not None and item.expires_at_ms <= now_ms,
    }
    return ", ".join(name for name, holds in obstacles.items() if holds) or "can be in lists"


def _shares(parts: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in parts)


def _frames(item: Item) -> int:
    if item.clip is None:
        return 0
    return len(item.clip.frames) // (len(item.embeddings.get(item.clip.encoder, b"")) or 1)


async def _read(settings: Settings, endpoints: Endpoints, item_id: str) -> Item | None:
    async with stores(settings, endpoints) as (_, signals):
        return (await signals.items([item_id])).get(item_id)


async def _picture(settings: Settings, item: Item) -> bytes:
    if item.kept_picture is None:
        raise ObjectMissing(f"no picture of item {item.item_id!r} is kept: it came before, or with KEEP_PICTURES=none")
    store = PictureStore(settings.picture_store, Namespace(settings.topic_prefix))
    return await store.read(item.kept_picture.key)
