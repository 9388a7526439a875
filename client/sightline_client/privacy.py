"""What users may ask of us about what is known of them, and what comes back (docs/adr/0009)."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.structs import asdict, replace

from sightline_client.fields import Id

RequestKind: TypeAlias = Literal["forget", "export", "reset", "opt_out", "opt_in", "prefer"]
#: How many dials a request may set, and a user may have besides those that say *never*.
DIALS_LIMIT: Final = 32
Dials: TypeAlias = Annotated[dict[Id, Annotated[float, Meta(ge=-1, le=1)]], Meta(min_length=1, max_length=DIALS_LIMIT)]


def check_dials(kind: RequestKind, dials: dict[str, float] | None) -> None:
    """Raise ValueError for a `prefer` without dials."""
    if kind == "prefer" and dials is None:
        raise ValueError(f"a request of type 'prefer' needs `prefer`: 1 to {DIALS_LIMIT} names with weights, -1 to 1")


class PlaceInLog(msgspec.Struct, frozen=True):
    """Where a record lies."""

    partition: int
    offset: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A privacy request was carried out (topic privacy.receipts); it names the user by a hash, never by the id.

    `request` lies on events.privacy, `applied` on events.interactions, where everything before it is erased. `erased`
    counts what there was: engaged, refused and seen items, remembered event ids, lists, dials, and items no longer
    owned. `dials_set` counts what a `prefer` set; the dials that it took away, or that had to make room, are erased.
    """

    user_hash: str
    type: RequestKind
    request: PlaceInLog
    applied: PlaceInLog
    asked_ms: int
    done_ms: int
    erased: dict[str, int]
    dials_set: int = 0


class ExportedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a profile; one that left the catalogue is named by `#` and what is kept of its hash."""

    item_id: str
    weight: float
    at_ms: int


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A user's profile, and the items that the user owns (topic privacy.exports).

    `dials` are by name, oldest first: of an owner, or of what is not in the catalogue, by `#` and the hash kept of it.
    `refused_before` and `seen_before` count further items, of which too little of the hash is kept to name them. The
    last `seen_today` of `seen` are those of the UTC day of `last_at_ms`.
    A large export comes as several records, numbered by `part` from 1 to `parts`: `join_export` puts them together.
    """

    user_id: str
    request: PlaceInLog
    made_ms: int
    interactions: int
    last_at_ms: int | None
    opted_out: bool
    forgotten_ms: int | None
    engaged: list[ExportedItem]
    refused: list[ExportedItem]
    seen: list[str]
    owned: list[str]
    remembered_events: int
    dials: dict[str, float]
    refused_before: int = 0
    seen_before: int = 0
    seen_today: int = 0
    part: Annotated[int, Meta(ge=1)] = 1
    parts: Annotated[int, Meta(ge=1)] = 1


def join_export(parts: Iterable[Export]) -> Export:
    """Put the parts of one export together, in whatever order and however often they came.

    Raises ValueError where some are missing, or are of another request.
    """
    found = {part.part: part for part in parts}
    if not found:
        raise ValueError("no part of the export is there")
    count = max(part.parts for part in found.values())
    missing = [number for number in range(1, count + 1) if number not in found]
    if missing:
        raise ValueError(f"{len(missing)} of {count} parts of the export are missing, such as number {missing[0]}")
    ordered = [found[number] for number in range(1, count + 1)]
    if any((part.request, part.parts) != (ordered[0].request, count) for part in found.values()):
        raise ValueError("the parts are of different exports: take those with the same `request`")
    lists = [name for name, value in asdict(ordered[0]).items() if isinstance(value, list)]
    joined = {name: [entry for part in ordered for entry in getattr(part, name)] for name in lists}
    return replace(ordered[0], part=1, parts=1, **joined)
