"""What `sightline user show` does: it reads a profile from Redis and puts it in words."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import typer
from rich.table import Table

from cli.output import print_json, results, when
from cli.user.stored import read_catalog, stores
from deploy.local import Endpoints, Stack
from inference.explain import in_words
from inference.explain.in_words import ProfileInWords
from state.profiles import StoredProfile
from streams.interactions.one_user import describe_user
from streams.pseudonyms import known_as
from streams.settings import Settings, read_settings


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a profile, with the time as people read it."""

    item_id: str
    weight: float
    at: str


@dataclass(frozen=True, slots=True)
class Interest:
    """One interest, with the names of what its item shows."""

    share: float
    item_id: str
    tags: list[str]
    colours: list[str]

    def __str__(self) -> str:
        looks = " ".join([*self.colours[:1], *self.tags[:1]])
        return f"{self.share:.0%} {looks or 'things'} like {self.item_id}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A profile in words (`inference.explain.in_words`), and where it is stored."""

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
        return _shown(user_id, *await describe_user(profiles, signals, catalog, user_id))


def _shown(user_id: str, stored: StoredProfile, words: ProfileInWords) -> Shown:
    return Shown(
        user_id=user_id,
        partition=stored.partition,
        position=stored.position,
        interactions=words.interactions,
        last_at=None if words.last_at_ms is None else when(words.last_at_ms),
        engaged=_entries(words.engaged),
        refused=_entries(words.refused),
        refused_before=words.refused_before,
        seen=words.seen,
        interests=[
            Interest(each.share, each.item_id, [tag.name for tag in each.tags], [name for name, _ in each.colours])
            for each in words.interests
        ],
        categories=dict(words.categories),
        dials=dict(words.dials),
    )


def _entries(entries: Sequence[in_words.Entry]) -> list[Entry]:
    return [Entry(each.item_id, each.weight, when(each.at_ms)) for each in entries]


def _print(shown: Shown) -> None:
    console = results()
    if not (shown.interactions or shown.dials):
        console.print(f"nothing is known of user {shown.user_id!r}")
        return
    last = f", the last {shown.last_at}" if shown.last_at else ""
    table = Table(title=f"user {shown.user_id}, interactions: {shown.interactions}{last}")
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
        console.print(f"items refused before, besides: {shown.refused_before}")
    console.print(f"items seen: {shown.seen} · partition {shown.partition}, position {shown.position}")
