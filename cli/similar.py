"""`sightline similar`: search the catalogue with a picture."""

import time
import uuid
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from cli.arrivals import Arrivals
from cli.items.picture_folder import read_picture
from cli.items.uploading import refusal
from cli.output import JsonOption, print_json, results
from cli.pseudonyms import known_as
from cli.reasons import sentence
from cli.running import running_system
from streams.client import EventPublisher, RecommendationSubscriber
from streams.credentials import PLAINTEXT, KafkaSecurity, kafka_security
from streams.errors import StreamError
from streams.settings import read_settings
from streams.wire.events import Only, Recommendations, Upload
from streams.wire.topics import DEAD_LETTERS


class NoAnswer(StreamError):
    """A query that no worker answered in time."""


def similar(
    image: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A picture to search with.")],
    count: Annotated[int, typer.Option(min=1, max=200, help="How many items to show.")] = 10,
    category: Annotated[str | None, typer.Option(help="Only items of this category.")] = None,
    min_price: Annotated[float | None, typer.Option(min=0, help="Only items of this price or more.")] = None,
    max_price: Annotated[float | None, typer.Option(min=0, help="Only items of this price or less.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the answer.")] = 20.0,
    as_json: JsonOption = False,
) -> None:
    """Show the items of the catalogue, of those in stock, that look most like a picture; nothing is stored."""
    settings = read_settings()
    only = Only(category=category, min_price=min_price, max_price=max_price)
    try:
        picture = read_picture(image)
        msgspec.convert(msgspec.to_builtins(only), Only)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with running_system(settings) as endpoints:
        answer = ask_similar(
            endpoints.kafka,
            settings.topic_prefix,
            picture,
            timeout,
            only=only,
            asker=known_as(settings, f"similar-{uuid.uuid4().hex}"),
            security=kafka_security(settings),
        )
    if as_json:
        print_json({"image": image, "items": [_plain(answer, place) for place in range(len(answer.items[:count]))]})
        return
    table = Table("#", "item", "score", "why")
    for place, item in enumerate(answer.items[:count], start=1):
        why = "; ".join(map(sentence, item.reasons))
        table.add_row(str(place), Text(item.item_id), f"{item.score:.3f}", Text(why))
    results().print(table)


def ask_similar(
    bootstrap: str,
    prefix: str,
    picture: bytes,
    timeout_s: float,
    *,
    only: Only | None = None,
    asker: str,
    security: KafkaSecurity = PLAINTEXT,
) -> Recommendations:
    """The answer to a picture query of a user id that nobody else has; NoAnswer when none comes in time."""
    event = Upload(
        event_id=asker,
        occurred_at_ms=time.time_ns() // 1_000_000,
        item_id=asker,
        user_id=asker,
        image=picture,
        purpose="query",
        only=only,
    )
    with (
        RecommendationSubscriber(
            bootstrap, prefix=prefix, user_id=asker, kind="similar", security=security
        ) as subscriber,
        Arrivals(bootstrap, [prefix + DEAD_LETTERS.name], security=security) as dead_letters,
        EventPublisher(bootstrap, prefix=prefix, security=security) as publisher,
    ):
        refused = dead_letters.expect(asker)
        publisher.publish(event)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for answer in subscriber.poll(0.1):
                return answer
            if refused.done():
                raise NoAnswer(f"the picture was refused: {refusal(refused.result().value)}")
    raise NoAnswer(
        f"no answer to the picture query after {timeout_s:g} s: see whether the uploads worker runs and reaches "
        "Triton (its log is under .sightline/logs), or wait longer with --timeout"
    )


def _plain(answer: Recommendations, place: int) -> dict[str, object]:
    item = answer.items[place]
    return {"item_id": item.item_id, "score": item.score, "reasons": [sentence(reason) for reason in item.reasons]}
