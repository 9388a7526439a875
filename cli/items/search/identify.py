"""What `sightline items identify` does: it says which article each part of a photo shows, and how certain that is."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from msgspec.structs import replace
from rich.cells import cell_len
from rich.table import Column, Table

from cli.items.search.similar import Asked, NoAnswer, QueryRefused, asking, query_of, refusals, say_where
from cli.output import print_json, progress, results
from cli.running import running_system
from cli.spreadsheet import write_csv
from features.vision.box import box_text
from inference.identity import CALIBRATED, CALIBRATION
from streams.credentials import kafka_security
from streams.pseudonyms import known_as
from streams.settings import read_settings
from streams.wire.events import Only, Recommendations, RecommendedItem, Region, Upload

#: The nearest article, and one to compare it with.
_COUNT = 2
#: What the other columns of a row need of a terminal's width, with paths and boxes broken.
_BESIDE_IDS = 40


@dataclass(frozen=True, slots=True)
class Identified:
    """A part of a photo: `item_id` is the article that it shows, None below the least certainty; `nearest` is always.

    `box` is as `--box` takes it, None for the whole photo.
    """

    photo: str
    box: str | None
    item_id: str | None
    certainty: float
    nearest: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many parts of how many photos show an article, and the mean certainty; without `item_id` what is unknown."""

    item_id: str | None
    parts: int
    photos: int
    certainty: float


def identify_photos(
    photos: Sequence[Path],
    boxes: Sequence[str],
    only: Only,
    least: float,
    table: Path | None,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Ask about each photo, print what they show and count it; a photo or a part without an answer is named.

    Exit code 2 where nothing could be looked at. Raises NoAnswer where no photo got an answer in time.
    """
    settings, asker = read_settings(), f"identify-{uuid.uuid4().hex}"
    known = known_as(settings, asker)
    queries: list[tuple[Path, Upload]] = []
    refused: dict[str, str] = {}
    for photo in photos:
        try:
            queries.append((photo, query_of(Asked(photo, None, only, None, boxes, _COUNT), known)))
        except (OSError, ValueError) as error:
            refused[str(photo)] = str(error)
    if not queries:
        raise typer.BadParameter("; ".join(f"{name}: {why}" for name, why in refused.items()))
    with (
        running_system(settings) as endpoints,
        asking(
            endpoints.kafka, settings.topic_prefix, known, timeout_s, security=kafka_security(settings)
        ) as answer_to,
    ):
        found = list(_identified(queries, answer_to, least, refused))
    for name, why in refused.items():
        progress(f"{name}: {why}")
    counts = counted(found)
    if as_json:
        print_json({"parts": [asdict(each) for each in found], "articles": [*map(asdict, counts)], "refused": refused})
    elif found:
        _print(found, counts)
    if not found:
        raise typer.Exit(2)
    # Last: what the photos show is said even where no file can be written.
    if table is not None:
        write_counts(table, counts)


def identified(photo: str, region: Region, least: float) -> Identified:
    """What a part of a photo shows, by the two articles nearest to it."""
    best, second = _first_two(region.items)
    box = None if region.box is None else box_text(region.box)
    if best is None:
        return Identified(photo, box, None, 0.0, None)
    certainty = round(CALIBRATION.certainty(best.score, None if second is None else second.score), 4)
    return Identified(photo, box, best.item_id if certainty >= least else None, certainty, best.item_id)


def counted(found: Iterable[Identified]) -> list[Counted]:
    """The parts by article, the most first; what is unknown stands last."""
    by_item: dict[str | None, list[Identified]] = {}
    for each in found:
        by_item.setdefault(each.item_id, []).append(each)
    counts = [
        Counted(
            item_id,
            len(parts),
            len({each.photo for each in parts}),
            round(sum(each.certainty for each in parts) / len(parts), 4),
        )
        for item_id, parts in by_item.items()
    ]
    return sorted(counts, key=lambda count: (count.item_id is None, -count.parts, count.item_id or ""))


def write_counts(path: Path, counts: Iterable[Counted]) -> None:
    """Write a row for each article; the one without an id counts what is unknown."""
    rows = ((each.item_id or "", each.parts, each.photos, each.certainty) for each in counts)
    write_csv(path, ("item_id", "parts", "photos", "certainty"), rows)


def _identified(
    queries: Iterable[tuple[Path, Upload]],
    answer_to: Callable[[Upload], Recommendations],
    least: float,
    refused: dict[str, str],
) -> Iterator[Identified]:
    """What the photos show, one after the other; why one, or a part of it, got no answer goes into `refused`."""
    is_warned = is_answered = False
    unanswered: NoAnswer | None = None
    for number, (photo, query) in enumerate(queries):
        try:
            # One user asks all queries, so each needs an id of its own.
            answer = answer_to(replace(query, event_id=f"{query.event_id}-{number}"))
        except NoAnswer as error:
            refused[str(photo)] = str(error)
            unanswered = unanswered if isinstance(error, QueryRefused) else error
            continue
        is_answered = True
        say_where(answer)
        encoder = answer.model.get("encoder")
        if encoder != CALIBRATED and not is_warned:
            is_warned = True
            progress(f"certainties are calibrated for {CALIBRATED}, and these vectors are of {encoder}: check them")
        if why := "; ".join(refusals(answer)):
            refused[str(photo)] = why
        for region in answer.regions or [Region(items=answer.items)]:
            if region.refused is None:
                yield identified(str(photo), region, least)
    if unanswered is not None and not is_answered:
        raise unanswered


def _first_two(items: Sequence[RecommendedItem]) -> tuple[RecommendedItem | None, RecommendedItem | None]:
    best, second, *_ = [*items, None, None]
    return best, second


def _print(found: Sequence[Identified], counts: Sequence[Counted]) -> None:
    ids = [each.nearest or "" for each in found]
    parts = Table(_folded("photo"), _folded("part"), _of_ids("nearest article", ids), "certainty")
    for each in found:
        certainty = f"{each.certainty:.3f}" + ("" if each.item_id is not None else ": unknown")
        parts.add_row(each.photo, each.box or "all", each.nearest or "none", certainty)
    results().print(parts)
    table = Table(_of_ids("article", ids), "parts", "photos", "certainty")
    for count in counts:
        table.add_row(count.item_id or "unknown", str(count.parts), str(count.photos), f"{count.certainty:.3f}")
    results().print(table)


def _folded(name: str) -> Column:
    return Column(name, overflow="fold")


def _of_ids(name: str, ids: Iterable[str]) -> Column:
    """A column that breaks none of these ids where the terminal has room for the longest."""
    has_room = max(map(cell_len, ids), default=0) <= results().width - _BESIDE_IDS
    return Column(name, overflow="fold", no_wrap=has_room)
