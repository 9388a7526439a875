"""What `sightline similar` does: it searches the catalogue with a picture."""

import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer
from rich.table import Table

from cli.arrivals import Arrivals
from cli.items.picture_folder import Shown, read_file, shown_by
from cli.items.uploading import refusal
from cli.output import print_json, progress, results
from cli.pseudonyms import known_as
from cli.reasons import sentence
from cli.running import running_system
from cli.sheets.contact_sheet import Cell
from cli.sheets.show import show_sheet
from features.printable import printable
from features.recommendation import RecommendedItem
from features.vision.descriptors.mix import LOOK, Mix
from sightline_client.events import ComparedBy
from streams.client import EventPublisher, RecommendationSubscriber
from streams.credentials import PLAINTEXT, KafkaSecurity, kafka_security
from streams.errors import StreamError
from streams.settings import read_settings
from streams.wire.events import Box, Only, Recommendations, Upload
from streams.wire.namespace import Namespace
from streams.wire.topics import DEAD_LETTERS


class NoAnswer(StreamError):
    """No worker answered the query in time, or the picture was refused."""


def show_similar(
    image: Path,
    only: Only,
    by: str,
    box: str | None,
    count: int,
    timeout_s: float,
    sheet: str | None,
    as_json: bool,
) -> None:
    """Ask for at most `count` items like a picture or a clip, and print them; raises NoAnswer.

    `by` is a text for `Mix.parse`, `box` one of four numbers.
    """
    settings = read_settings()
    try:
        shown = shown_by(read_file(image))
        part = None if box is None else parse_box(box)
        if part is not None and shown.video is not None:
            raise ValueError("--box is for a picture: leave it out, or give a picture of the clip")
        msgspec.convert(msgspec.to_builtins(only), Only)
        mix = Mix.parse(by)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    with running_system(settings) as endpoints:
        answer = ask_similar(
            endpoints.kafka,
            settings.topic_prefix,
            shown,
            timeout_s,
            only=only,
            box=part,
            by=None if mix == LOOK else dict(mix.weights),
            count=count,
            asker=known_as(settings, f"similar-{uuid.uuid4().hex}"),
            security=kafka_security(settings),
        )
        if sheet is not None:
            show_sheet(settings, endpoints, sheet, f"like {image.name}", _cells(image, shown.image, answer.items))
    _print(image, answer.items, as_json)


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


def _print(image: Path, items: Sequence[RecommendedItem], as_json: bool) -> None:
    if as_json:
        print_json({"image": image, "items": [_plain(item) for item in items]})
        return
    if not items:
        progress("no item in stock is like it within these limits")
        return
    table = Table("#", "item", "score", "why")
    for place, item in enumerate(items, start=1):
        table.add_row(str(place), item.item_id, f"{item.score:.3f}", "; ".join(map(sentence, item.reasons)))
    results().print(table)


def ask_similar(
    bootstrap: str,
    prefix: str,
    shown: Shown,
    timeout_s: float,
    *,
    only: Only | None = None,
    box: Box | None = None,
    by: dict[ComparedBy, float] | None = None,
    count: int | None = None,
    asker: str,
    security: KafkaSecurity = PLAINTEXT,
) -> Recommendations:
    """The answer to a query by picture or clip. `asker` is a user id used for nothing else; raises NoAnswer."""
    event = Upload(
        event_id=asker,
        occurred_at_ms=time.time_ns() // 1_000_000,
        item_id=asker,
        user_id=asker,
        purpose="query",
        only=only,
        box=box,
        image=shown.image,
        video=shown.video,
        by=by,
        count=count,
    )
    with (
        RecommendationSubscriber(
            bootstrap, prefix=prefix, user_id=asker, kind="similar", security=security
        ) as subscriber,
        Arrivals(bootstrap, [Namespace(prefix).topic(DEAD_LETTERS)], security=security) as dead_letters,
        EventPublisher(bootstrap, prefix=prefix, security=security) as publisher,
    ):
        refused = dead_letters.expect(asker)
        publisher.publish(event)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for answer in subscriber.poll(0.1):
                return answer
            if refused.done():
                raise NoAnswer(f"the picture was refused: {printable(refusal(refused.result().value))}")
    raise NoAnswer(
        f"no answer to the picture query after {timeout_s:g} s: see whether the uploads worker runs and reaches "
        "Triton (its log is under .sightline/logs), or wait longer with --timeout"
    )


def _cells(image: Path, picture: bytes | None, items: Sequence[RecommendedItem]) -> list[Cell]:
    # A clip has no one picture here.
    query = [] if picture is None else [Cell("", image.name, "the picture that was asked with", picture)]
    return [*query, *(Cell(item.item_id, item.item_id, "; ".join(map(sentence, item.reasons))) for item in items)]


def _plain(item: RecommendedItem) -> dict[str, object]:
    return {"item_id": item.item_id, "score": item.score, "reasons": [sentence(reason) for reason in item.reasons]}
