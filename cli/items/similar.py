"""What `sightline similar` does: it searches the catalogue with a picture."""

import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer
from rich.table import Table

from cli.arrivals import Arrivals
from cli.items.picture_folder import read_picture
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
from streams.wire.events import Only, Recommendations, Upload
from streams.wire.namespace import Namespace
from streams.wire.topics import DEAD_LETTERS


class NoAnswer(StreamError):
    """No worker answered the query in time, or the picture was refused."""


def show_similar(
    image: Path, only: Only, by: str, count: int, timeout_s: float, sheet: str | None, as_json: bool
) -> None:
    """Ask for at most `count` items like a picture, by a text for `Mix.parse`, and print them; raises NoAnswer."""
    settings = read_settings()
    try:
        picture = read_picture(image)
        msgspec.convert(msgspec.to_builtins(only), Only)
        mix = Mix.parse(by)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    with running_system(settings) as endpoints:
        answer = ask_similar(
            endpoints.kafka,
            settings.topic_prefix,
            picture,
            timeout_s,
            only=only,
            by=None if mix == LOOK else dict(mix.weights),
            count=count,
            asker=known_as(settings, f"similar-{uuid.uuid4().hex}"),
            security=kafka_security(settings),
        )
        if sheet is not None:
            show_sheet(settings, endpoints, sheet, f"like {image.name}", _cells(image, picture, answer.items))
    _print(image, answer.items, as_json)


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
    picture: bytes,
    timeout_s: float,
    *,
    only: Only | None = None,
    by: dict[ComparedBy, float] | None = None,
    count: int | None = None,
    asker: str,
    security: KafkaSecurity = PLAINTEXT,
) -> Recommendations:
    """The answer to a picture query. `asker` is a user id used for nothing else; raises NoAnswer."""
    event = Upload(
        event_id=asker,
        occurred_at_ms=time.time_ns() // 1_000_000,
        item_id=asker,
        user_id=asker,
        image=picture,
        purpose="query",
        only=only,
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


def _cells(image: Path, picture: bytes, items: Sequence[RecommendedItem]) -> list[Cell]:
    query = Cell("", image.name, "the picture that was asked with", picture)
    return [query, *(Cell(item.item_id, item.item_id, "; ".join(map(sentence, item.reasons))) for item in items)]


def _plain(item: RecommendedItem) -> dict[str, object]:
    return {"item_id": item.item_id, "score": item.score, "reasons": [sentence(reason) for reason in item.reasons]}
