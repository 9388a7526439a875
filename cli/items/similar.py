"""What `sightline similar` and `sightline search` do: they search the catalogue with a picture, words or both."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import typer
from rich.table import Table

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
from features.vision.descriptors.mix import LOOK, Mix
from streams.client import EventPublisher, RecommendationSubscriber
from streams.credentials import PLAINTEXT, KafkaSecurity, kafka_security
from streams.errors import StreamError
from streams.pseudonyms import known_as
from streams.settings import read_settings
from streams.wire.events import Box, Only, Recommendations, Upload, encode
from streams.wire.namespace import Namespace
from streams.wire.topics import DEAD_LETTERS


class NoAnswer(StreamError):
    """No worker answered the query in time, or it was refused."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A search with a picture or clip, words or both, for at most `count` items.

    `by` is a text for `Mix.parse`, `box` one of four numbers.
    """

    image: Path | None
    words: str | None
    only: Only
    by: str | None
    box: str | None
    count: int


def show_found(asked: Asked, timeout_s: float, sheet: str | None, as_json: bool) -> None:
    """Ask for what is searched for, and print it; raises NoAnswer."""
    settings, asker = read_settings(), f"similar-{uuid.uuid4().hex}"
    try:
        query = _query(asked, known_as(settings, asker))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    with running_system(settings) as endpoints:
        answer = ask(endpoints.kafka, settings.topic_prefix, query, timeout_s, security=kafka_security(settings))
        if sheet is not None:
            title = asked.words if asked.image is None else f"like {asked.image.name}"
            show_sheet(settings, endpoints, sheet, title or "", _cells(asked, query, answer.items))
    if "words" in answer.degraded:
        progress("the words count for nothing: Triton does not serve the text tower now (`sightline doctor`)")
    _print(asked, answer.items, as_json)


def _query(asked: Asked, asker: str) -> Upload:
    """The event that asks; raises OSError for the file, ValueError for what cannot be asked."""
    mix = None if asked.by is None else Mix.parse(asked.by)
    shown = Shown(None, None) if asked.image is None else shown_by(read_file(asked.image))
    part = None if asked.box is None else parse_box(asked.box)
    if part is not None and shown.video is not None:
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
        box=part,
        by=None if mix is None or (mix == LOOK and asked.words is None) else dict(mix.weights),
        count=asked.count,
        text=asked.words,
    )
    return msgspec.json.decode(encode(event), type=Upload)


def parse_box(text: str) -> Box:
    """The box of four numbers with commas; raises ValueError, which says what is wrong.

    >>> parse_box("0.5,0,0.5,1")
    Box(x=0.5, y=0.0, width=0.5, height=1.0)
    """
    try:
        x, y, width, height = map(float, text.split(","))
    except ValueError:
        raise ValueError(f"--box {text!r} is not x,y,width,height, such as 0.25,0.1,0.5,0.8") from None
    try:
        return msgspec.convert({"x": x, "y": y, "width": width, "height": height}, Box)
    except msgspec.ValidationError as error:
        raise ValueError(f"--box {text}: {error}") from None


def _print(asked: Asked, items: Sequence[RecommendedItem], as_json: bool) -> None:
    if as_json:
        print_json({"image": asked.image, "words": asked.words, "items": [_plain(item) for item in items]})
        return
    if not items:
        nearest = "" if asked.image is not None else "; --min-similarity 0 shows what is nearest"
        progress(f"no item in stock is like it within these limits{nearest}")
        return
    table = Table("#", "item", "score", "why")
    for place, item in enumerate(items, start=1):
        table.add_row(str(place), item.item_id, f"{item.score:.3f}", "; ".join(map(sentence, item.reasons)))
    results().print(table)


def ask(
    bootstrap: str, prefix: str, query: Upload, timeout_s: float, *, security: KafkaSecurity = PLAINTEXT
) -> Recommendations:
    """The answer to a query of a user who asks nothing else; raises NoAnswer."""
    asker = query.user_id
    with (
        RecommendationSubscriber(
            bootstrap, prefix=prefix, user_id=asker, kind="similar", security=security
        ) as subscriber,
        Arrivals(bootstrap, [Namespace(prefix).topic(DEAD_LETTERS)], security=security) as dead_letters,
        EventPublisher(bootstrap, prefix=prefix, security=security) as publisher,
    ):
        refused = dead_letters.expect(asker)
        publisher.publish(query)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for answer in subscriber.poll(0.1):
                return answer
            if refused.done():
                raise NoAnswer(f"the query was refused: {printable(refusal(refused.result().value))}")
    raise NoAnswer(
        f"no answer to the query after {timeout_s:g} s: see whether the uploads worker runs and reaches "
        "Triton (its log is under .sightline/logs), or wait longer with --timeout"
    )


def _cells(asked: Asked, query: Upload, items: Sequence[RecommendedItem]) -> list[Cell]:
    found = [Cell(item.item_id, item.item_id, "; ".join(map(sentence, item.reasons))) for item in items]
    if asked.image is None or query.image is None:  # a clip has no one picture here
        return found
    return [Cell("", asked.image.name, "the picture that was asked with", query.image), *found]


def _plain(item: RecommendedItem) -> dict[str, object]:
    return {"item_id": item.item_id, "score": item.score, "reasons": [sentence(reason) for reason in item.reasons]}
