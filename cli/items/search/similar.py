"""What `sightline similar` and `sightline search` do: they search the catalogue with a picture, words or both."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import typer
from msgspec.structs import asdict
from rich.table import Column, Table

from cli.arrivals import Arrivals
from cli.items.picture_folder import Shown, read_file, shown_by
from cli.items.uploading import refusal
from cli.output import print_json, progress, results
from cli.reasons import sentence
from cli.running import running_system
from cli.sheets.contact_sheet import Cell
from cli.sheets.show import show_sheet
from features.printable import printable
from features.recommendation import RecommendedItem
from features.vision.box import box_text
from features.vision.descriptors.mix import LOOK, Mix
from sightline_client.events import BOXES_LIMIT, SALIENT, Salient
from streams.client import EventPublisher, RecommendationSubscriber
from streams.credentials import PLAINTEXT, KafkaSecurity, kafka_security
from streams.errors import StreamError
from streams.pseudonyms import known_as
from streams.settings import read_settings
from streams.wire.events import Box, Only, Recommendations, Region, Upload, encode
from streams.wire.namespace import Namespace
from streams.wire.topics import DEAD_LETTERS


class NoAnswer(StreamError):
    """No worker answered the query in time, or it was refused."""


class QueryRefused(NoAnswer):
    """A worker refused the query."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A search with a picture or clip, words or both, for at most `count` items.

    `by` is a text for `Mix.parse`, a box one of four numbers, or `salient` alone.
    """

    image: Path | None
    words: str | None
    only: Only
    by: str | None
    boxes: Sequence[str]
    count: int


def show_found(asked: Asked, timeout_s: float, sheet: str | None, as_json: bool) -> None:
    """Ask for what is searched for, and print it; raises NoAnswer."""
    settings, asker = read_settings(), f"similar-{uuid.uuid4().hex}"
    try:
        query = query_of(asked, known_as(settings, asker))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    with running_system(settings) as endpoints:
        answer = ask(endpoints.kafka, settings.topic_prefix, query, timeout_s, security=kafka_security(settings))
        if sheet is not None:
            title = asked.words if asked.image is None else f"like {asked.image.name}"
            show_sheet(settings, endpoints, sheet, title or "", _cells(asked, query, answer.items))
    if "words" in answer.degraded:
        progress("the words count for nothing: Triton does not serve the text tower now (`sightline doctor`)")
    say_where(answer)
    _print(asked, answer, as_json)


def say_where(answer: Recommendations) -> None:
    """Say where the whole picture was compared, since no part of it was found."""
    if "salience" in answer.degraded:
        progress("the whole picture is compared: the encoder gives no salience map (`sightline export-model`)")
    elif any(region.box is None for region in answer.regions or ()):
        progress("the whole picture is compared: no part of it stands out")


def refusals(answer: Recommendations) -> list[str]:
    """Why parts of the picture could not be looked at, in words that are safe to print."""
    return [printable(region.refused) for region in answer.regions or () if region.refused is not None]


def query_of(asked: Asked, asker: str) -> Upload:
    """The event that asks; raises OSError for the file, ValueError for what cannot be asked."""
    mix = None if asked.by is None else Mix.parse(asked.by)
    shown = Shown(None, None) if asked.image is None else shown_by(read_file(asked.image))
    box, boxes = parse_boxes(asked.boxes)
    if asked.boxes and shown.video is not None:
        raise ValueError("--box is for a picture: leave it out, or give a picture of the clip")
    event = Upload(
        event_id=asker,
        occurred_at_ms=time.time_ns() // 1_000_000,
        item_id=asker,
        user_id=asker,
        image=shown.image,
        video=shown.video,
        purpose="query",
        only=asked.only,
        box=box,
        boxes=boxes,
        by=None if mix is None or (mix == LOOK and asked.words is None) else dict(mix.weights),
        count=asked.count,
        text=asked.words,
    )
    return msgspec.json.decode(encode(event), type=Upload)


def parse_boxes(texts: Sequence[str]) -> tuple[Box | Salient | None, tuple[Box, ...] | None]:
    """What these texts say of a query's `box` and of its `boxes`; raises ValueError, which says what is wrong."""
    if SALIENT in texts:
        if len(texts) > 1:
            raise ValueError(f"--box {SALIENT} finds the parts itself: leave the other boxes out")
        return SALIENT, None
    boxes = tuple(map(parse_box, texts))
    if len(boxes) > BOXES_LIMIT:
        raise ValueError(f"{len(boxes)} times --box: at most {BOXES_LIMIT} boxes are looked at together")
    return (None, boxes) if len(boxes) > 1 else (next(iter(boxes), None), None)


def parse_box(text: str) -> Box:
    """The box of four numbers with commas; raises ValueError, which says what is wrong.

    >>> parse_box("0.5,0,0.5,1")
    Box(x=0.5, y=0.0, width=0.5, height=1.0)
    """
    try:
        x, y, width, height = map(float, text.split(","))
    except ValueError:
        raise ValueError(
            f"--box {text!r} is neither {SALIENT} nor x,y,width,height, such as 0.25,0.1,0.5,0.8"
        ) from None
    try:
        return Box(x=x, y=y, width=width, height=height)
    except ValueError as error:
        raise ValueError(f"--box {text}: {error}") from None


def _print(asked: Asked, answer: Recommendations, as_json: bool) -> None:
    regions = answer.regions or ()
    if as_json:
        shown = {"image": asked.image, "words": asked.words, "items": _plain(answer.items)}
        parts = [_part(each) for each in regions]
        print_json(shown | ({"regions": parts} if regions else {}))
        return
    for refused in refusals(answer):
        progress(refused)
    if not answer.items:
        nearest = "" if asked.image is not None else "; --min-similarity 0 shows what is nearest"
        is_so = "fits the words" if asked.image is None else "is like it"
        progress(f"no item in stock {is_so} within these limits{nearest}")
        return
    if not regions:
        results().print(_table(answer.items))
    for region in regions:
        if region.refused is not None:
            continue
        title = "all of the picture" if region.box is None else f"in {box_text(region.box)}"
        results().print(_table(region.items, title))


def _table(items: Sequence[RecommendedItem], title: str | None = None) -> Table:
    table = Table("#", Column("item", overflow="fold"), "score", "why", title=title)
    for place, item in enumerate(items, start=1):
        table.add_row(str(place), item.item_id, f"{item.score:.3f}", "; ".join(map(sentence, item.reasons)))
    return table


def ask(
    bootstrap: str, prefix: str, query: Upload, timeout_s: float, *, security: KafkaSecurity = PLAINTEXT
) -> Recommendations:
    """The answer to a query of a user who asks nothing else; raises NoAnswer."""
    with asking(bootstrap, prefix, query.user_id, timeout_s, security=security) as answer_to:
        return answer_to(query)


@contextmanager
def asking(
    bootstrap: str, prefix: str, asker: str, timeout_s: float, *, security: KafkaSecurity = PLAINTEXT
) -> Iterator[Callable[[Upload], Recommendations]]:
    """What gives the answer to a query of this user, who asks one after the other; it raises NoAnswer."""
    with (
        RecommendationSubscriber(
            bootstrap, prefix=prefix, user_id=asker, kind="similar", security=security
        ) as subscriber,
        Arrivals(bootstrap, [Namespace(prefix).topic(DEAD_LETTERS)], security=security) as dead_letters,
        EventPublisher(bootstrap, prefix=prefix, security=security) as publisher,
    ):

        def answer_to(query: Upload) -> Recommendations:
            refused = dead_letters.expect(asker)
            publisher.publish(query)
            deadline = time.monotonic() + timeout_s
            while time.monotonic() < deadline:
                for answer in subscriber.poll(0.1):
                    if answer.trigger.event_id == query.event_id:
                        return answer
                if refused.done():
                    raise QueryRefused(f"the query was refused: {printable(refusal(refused.result().value))}")
            raise NoAnswer(
                f"no answer to the query after {timeout_s:g} s: see whether the uploads worker runs and reaches "
                "Triton (its log is under .sightline/logs), or wait longer with --timeout"
            )

        yield answer_to


def _cells(asked: Asked, query: Upload, items: Sequence[RecommendedItem]) -> list[Cell]:
    found = [Cell(item.item_id, item.item_id, "; ".join(map(sentence, item.reasons))) for item in items]
    if asked.image is None or query.image is None:  # a clip has no one picture here
        return found
    return [Cell("", asked.image.name, "the picture that was asked with", query.image), *found]


def _part(region: Region) -> dict[str, object]:
    shown: dict[str, object] = {"box": region.box and asdict(region.box), "items": _plain(region.items)}
    return shown if region.refused is None else shown | {"refused": region.refused}


def _plain(items: Sequence[RecommendedItem]) -> list[dict[str, object]]:
    return [
        {"item_id": item.item_id, "score": item.score, "reasons": [sentence(reason) for reason in item.reasons]}
        for item in items
    ]
