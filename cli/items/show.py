"""What `sightline items show` does: it reads an item from Redis, and its picture from the store."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.table import Column, Table

from cli.output import print_json, progress, results
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
    shown = in_words(item)
    if as_json:
        print_json(shown)
        return
    table = Table("", Column(overflow="fold"), show_header=False, title=f"item {item_id}")
    for name, value in shown.items():
        table.add_row(name, _text(value))
    results().print(table)


def in_words(item: Item) -> dict[str, Any]:
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
        each = len(item.embeddings.get(item.clip.encoder, b"")) or 1
        shown["clip"] = {"duration_ms": item.clip.duration_ms, "frames": len(item.clip.frames) // each}
    if item.kept_picture is not None:
        shown["kept_picture"] = asdict(item.kept_picture) | {"sha256": item.kept_picture.sha256}
    return shown


def _text(value: object) -> str:
    """A value for a reader: what has parts in one line, without the punctuation of Python."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        is_nested = any(isinstance(each, dict | list | tuple) for each in value)
        return ("; " if is_nested else " ").join(map(_text, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


async def _read(settings: Settings, endpoints: Endpoints, item_id: str) -> Item | None:
    async with stores(settings, endpoints) as (_, signals):
        return (await signals.items([item_id])).get(item_id)


async def _picture(settings: Settings, item: Item) -> bytes:
    if item.kept_picture is None:
        raise ObjectMissing(f"no picture of item {item.item_id!r} is kept: it came before, or with KEEP_PICTURES=none")
    store = PictureStore(settings.picture_store, Namespace(settings.topic_prefix))
    return await store.read(item.kept_picture.key)
