"""Reads logs from files: MovieLens ratings, histories without times, and plain CSV, each also as .gz.

What a file holds is recognised by its first line.
"""

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, cast, get_args

from benchmarks.evaluation.log import Event, Log, UnreadableLog, in_order
from features.profile import DAY_MS, LOOK_LIMIT
from features.words.item_words import text_of
from streams.wire.events import InteractionType

#: A rating of at least LIKED is a like, one below DISLIKED a dislike; the film of any other was looked at.
LIKED, DISLIKED = 3.5, 2.5
#: A film that was seen counts as the longest look, which links films as a click does.
_SEEN_MS = round(60_000 * LOOK_LIMIT)
#: The k-th event of each user is on the k-th day from here on: histories without times say only their order.
_FIRST_DAY_MS = 1_577_836_800_000
#: Larger numbers are milliseconds.
_MOST_SECONDS = 100_000_000_000
_TYPES = tuple(kind for kind in get_args(InteractionType) if kind not in ("rate", "search"))
_SUFFIXES = (".csv", ".csv.gz", ".txt", ".txt.gz")

_Lines = Iterator[tuple[int, dict[str, str]]]


def read_log(folder: Path, *, seed: int) -> Log:
    """The log in a folder: its one file of events, and what `items.csv` says of the items, if it is there."""
    files = [path for path in sorted(folder.iterdir()) if _may_hold_events(path)]
    if len(files) != 1:
        names = ", ".join(path.name for path in files) or "none"
        raise UnreadableLog(f"{folder} must hold one file of events (.csv or .txt, also .gz); there is {names}")
    events = in_order(read_events(files[0]), seed)
    said = _items(folder / "items.csv")
    categories = {item: kinds[0] for item, kinds in ((item, _kinds(row)) for item, row in said.items()) if kinds}
    texts = {item: text_of(row.get("title"), ", ".join(_kinds(row))) for item, row in said.items()}
    return Log(events, categories, texts={item: text for item, text in texts.items() if text})


def read_events(path: Path) -> list[Event]:
    """The events of a file, in the order of the file; raises UnreadableLog."""
    try:
        with _opened(path) as lines:
            first = lines.readline().strip()
            read = _FORMATS.get(first)
            if read is not None:
                names = first.split(",")
                rows = csv.DictReader(lines, names, restkey="", restval="")
                events = list(_checked(path, read, ((number, row) for number, row in enumerate(rows, 2))))
            elif first and not path.name.removesuffix(".gz").endswith(".csv"):
                events = list(_histories(path, (first, *lines)))
            else:
                expected = " or ".join(_FORMATS)
                raise UnreadableLog(f"{path} begins with {first[:80]!r}; a file of events begins with {expected}")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UnreadableLog(f"{path} cannot be read: {error}") from error
    if not events:
        raise UnreadableLog(f"{path} holds no event")
    return events


def _may_hold_events(path: Path) -> bool:
    return path.name.endswith(_SUFFIXES) and path.name != "items.csv" and "README" not in path.name


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8", newline=""))
    return path.open(encoding="utf-8", newline="")


def _checked(path: Path, read: Callable[[dict[str, str]], Event], lines: _Lines) -> Iterator[Event]:
    for number, row in lines:
        try:
            event = read(row)
        except (ValueError, KeyError, OverflowError) as error:
            raise UnreadableLog(f"{path}, line {number}: {error}") from error
        if not event.user or not event.item:
            raise UnreadableLog(f"{path}, line {number}: the user or the item is empty")
        yield event


def _rated(row: dict[str, str]) -> Event:
    rating = float(row["rating"])
    kind: InteractionType = "like" if rating >= LIKED else "dislike" if rating < DISLIKED else "view"
    at_ms = _time_ms(row["timestamp"])
    return Event(row["user_id"], row["item_id"], kind, at_ms, _SEEN_MS if kind == "view" else None)


def _plain(row: dict[str, str]) -> Event:
    kind = row["type"]
    if kind not in _TYPES:
        raise ValueError(f"the type {kind!r} is none of {', '.join(_TYPES)}")
    return Event(row["user"], row["item"], cast(InteractionType, kind), _time_ms(row["time"]))


def _histories(path: Path, lines: Iterable[str]) -> Iterator[Event]:
    """One user a line: the user, then items in order of time. Of a day, the users come in the order of the file."""
    for number, line in enumerate(lines):
        user, *items = line.split() or [""]
        if user and not items:
            raise UnreadableLog(f"{path}, line {number + 1}: {user[:80]!r} has no items")
        for day, item in enumerate(items):
            yield Event(user, item, "purchase", _FIRST_DAY_MS + day * DAY_MS + number)


def _time_ms(text: str) -> int:
    """Unix ms of a time in Unix seconds, Unix milliseconds or ISO 8601 (UTC where it names no zone)."""
    try:
        number = float(text)
    except ValueError:
        when = datetime.fromisoformat(text)
        return round(1000 * (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
    return round(number if number >= _MOST_SECONDS else 1000 * number)


def _items(path: Path) -> dict[str, dict[str, str]]:
    """The rows of `items.csv` by item_id, with title, and genres or category, where it has these."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["item_id"]: row for row in csv.DictReader(lines) if row.get("item_id")}


def _kinds(row: dict[str, str]) -> list[str]:
    """The genres of an item, or its category; the first one counts as its category."""
    names = row.get("category") or row.get("genres") or ""
    return [name for name in names.split("|") if name]


#: The reader of each file that has a first line with names.
_FORMATS = {"user_id,item_id,timestamp,rating": _rated, "user,item,type,time": _plain}
