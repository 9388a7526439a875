"""What `sightline user show` does: it reads a profile from Redis and puts it in words."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from cli.output import print_json, results
from cli.pseudonyms import known_as
from cli.user.stored import items_by_id, read_catalog, read_profile, stores
from deploy.local import Endpoints, Stack
from features.fingerprints import count
from features.item import Item
from features.ledger import faded
from features.profile import ENGAGED_HALF_LIFE_MS, Profile
from features.vision.tags.readable import readable
from inference.catalog.catalog import Catalog
from inference.retrieval.preferences import named_dials
from inference.retrieval.tastes import Tastes, find_tastes
from streams.settings import Settings, read_settings


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a profile; an item that is not in the catalogue is named by its key in hexadecimal."""

    item_id: str
    weight: float
    at: str


@dataclass(frozen=True, slots=True)
class Interest:
    """One interest: its share, the item of the profile that stands for it, and what that item's picture shows."""

    share: float
    item_id: str
    tags: list[str]
    colours: list[str]

    def __str__(self) -> str:
        looks = " ".join([*self.colours[:1], *self.tags[:1]])
        return f"{self.share:.0%} {looks or 'things'} like {self.item_id}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A profile in words: `interests` with the largest share first, `categories` the shares of its categories.

    `seen` counts all items that are remembered as seen, `refused_before` those refused longer ago than `refused`.
    `dials` are by name, oldest first; a name that is not in the catalogue, such as an owner's, is `#` and its key.
    """

    user_id: str
    partition: int
    position: int
    interactions: int
    last_at: str | None
    engaged: list[Entry]
    refused: list[Entry]
    refused_before: int
    seen: int
    interests: list[Interest]
    categories: dict[str, float]
    dials: dict[str, float]


def print_profile(user_id: str, as_json: bool) -> None:
    """Print a user's profile; exit code 1 if nothing is known of the user."""
    settings = read_settings()
    shown = asyncio.run(_read(known_as(settings, user_id), settings, Stack(settings).endpoints()))
    if as_json:
        print_json(asdict(shown))
    else:
        _print(shown)
    if not (shown.interactions or shown.dials):
        raise typer.Exit(1)


async def _read(user_id: str, settings: Settings, endpoints: Endpoints) -> Shown:
    catalog = await read_catalog(settings, endpoints)
    async with stores(settings, endpoints) as (profiles, signals):
        partition, position, profile = await read_profile(profiles, user_id, settings.partitions)
        tastes = find_tastes([profile], catalog, profile.last_at_ms)
        medoids = [catalog.item_ids[row] for row in tastes.medoids()[0].tolist()]
        items = await items_by_id(signals, medoids, settings.partitions)
    return _describe(user_id, partition, position, profile, catalog, tastes, items)


def _describe(
    user_id: str,
    partition: int,
    position: int,
    profile: Profile,
    catalog: Catalog,
    tastes: Tastes,
    items: Mapping[str, Item],
) -> Shown:
    shares = dict(zip(catalog.category_names, tastes.categories[0].tolist(), strict=True))
    return Shown(
        user_id=user_id,
        partition=partition,
        position=position,
        interactions=profile.count,
        last_at=_when(profile.last_at_ms) if profile.count else None,
        engaged=_entries(profile.engaged, profile.last_at_ms, catalog),
        refused=_entries(profile.refused, profile.last_at_ms, catalog),
        refused_before=count(profile.refused_before),
        seen=len(profile.seen) + count(profile.seen_before),
        interests=_interests(tastes, catalog, items),
        categories={
            name: round(shares[name], 3) for name in sorted(shares, key=lambda each: -shares[each]) if shares[name]
        },
        dials=named_dials(profile.dials, catalog),
    )


def _interests(tastes: Tastes, catalog: Catalog, items: Mapping[str, Item]) -> list[Interest]:
    shares = [share for share in tastes.interests.shares[0].tolist() if share]
    found = []
    for share, row in zip(shares, tastes.medoids()[0].tolist(), strict=True):
        item = items.get(name := catalog.item_ids[row])
        tags = [] if item is None else [tag.name for tag in readable(item.tags)]
        colours = [] if item is None else [colour for colour, _ in item.colours]
        found.append(Interest(round(share, 3), name, tags, colours))
    return sorted(found, key=lambda each: -each.share)


def _entries(entries: NDArray[np.void], now_ms: int, catalog: Catalog) -> list[Entry]:
    rows = catalog.rows_of(entries["item"]).tolist()
    weights = faded(entries, now_ms, ENGAGED_HALF_LIFE_MS).tolist()
    names = [
        catalog.item_ids[row] if row >= 0 else f"#{key:016x}" for row, key in zip(rows, entries["item"], strict=True)
    ]
    times = [_when(at_s * 1000) for at_s in entries["at_s"].tolist()]
    latest_first = zip(reversed(names), reversed(weights), reversed(times), strict=True)
    return [Entry(name, round(weight, 3), at) for name, weight, at in latest_first]


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def _print(shown: Shown) -> None:
    console = results()
    if not (shown.interactions or shown.dials):
        console.print(f"nothing is known of user {shown.user_id!r}")
        return
    last = f", the last {shown.last_at}" if shown.last_at else ""
    table = Table(title=f"user {shown.user_id}: {shown.interactions} interactions{last}")
    for column in ("item", "weight", "last"):
        table.add_column(column)
    for entry in shown.engaged:
        table.add_row(entry.item_id, f"{entry.weight:g}", entry.at)
    for entry in shown.refused:
        table.add_row(entry.item_id, f"-{entry.weight:g}", entry.at, style="red")
    console.print(table)
    interests = ", ".join(map(str, shown.interests)) or "none yet"
    categories = ", ".join(f"{name} {share:.0%}" for name, share in shown.categories.items()) or "none"
    console.print(f"interests: {interests} · categories: {categories}")
    if shown.dials:
        dials = ", ".join(f"{name} {weight:+g}" for name, weight in shown.dials.items())
        console.print(f"dials: {dials}")
    if shown.refused_before:
        console.print(f"{shown.refused_before} more items refused before")
    console.print(f"{shown.seen} items seen · partition {shown.partition}, position {shown.position}")
