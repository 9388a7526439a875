"""From a query on the upload topic to its answer: by a photo, by its boxes, by what stands out, by words, by both."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import msgspec
import numpy as np

from benchmarks.harness.load import Event, LoadClient
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.systems import FLAT_OUT, START_S
from benchmarks.world.pictures import CATEGORIES, COLOURS, DrawnItem, draw_catalogue
from deploy.service import Progress
from deploy.workers import Workers
from sightline_client.events import BOXES_LIMIT
from streams.kafka.admin import create_topics
from streams.settings import Settings
from streams.wire import topics
from streams.wire.events import Box, Upload, encode
from streams.wire.namespace import Namespace

#: Queries of each way before those that count.
_WARM_UP: Final = 10
#: The longest wait for the last answer, or for the last item of the catalogue.
_PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class QueryFigures:
    """Milliseconds from due to answered, by the way to ask; NaN where nothing was answered. `lost` were not."""

    photo_p50_ms: float
    photo_p99_ms: float
    boxes_p50_ms: float
    boxes_p99_ms: float
    salient_p50_ms: float
    salient_p99_ms: float
    words_p50_ms: float
    words_p99_ms: float
    photo_words_p50_ms: float
    photo_words_p99_ms: float
    lost: int


class _Item(msgspec.Struct):
    item_id: str


class _Trigger(msgspec.Struct):
    event_id: str


class _Answer(msgspec.Struct):
    trigger: _Trigger


def measure_queries(
    settings: Settings, *, queries: int, items: int, rate: float, progress: Progress = lambda _: None
) -> QueryFigures:
    """Ask `queries` times in each way, `rate` a second, in a catalogue of `items` drawn pictures with titles."""
    drawn = list(draw_catalogue(items, seed=0))
    asked = list(draw_catalogue(_WARM_UP + queries, seed=1))
    with own_stack(settings, progress, services=("kafka", "redis", "triton")) as (own, endpoints):
        names = Namespace(own.topic_prefix)
        create_topics(endpoints.kafka, names, own.partitions, 1)
        uploads, catalogue = names.topic(topics.UPLOADS), names.topic(topics.CATALOG)
        with Workers(own, endpoints, progress=progress).borrowed(("uploads", "items")):
            with closing(_client(endpoints.kafka, uploads, catalogue, _Item)) as client:
                client.run(list(_catalogue(drawn)), FLAT_OUT, patience_s=START_S)
            with closing(_client(endpoints.kafka, uploads, names.topic(topics.RECOMMENDATIONS), _Answer)) as client:
                found = {
                    way: client.run(list(_queries(way, asked)), rate, patience_s=_PATIENCE_S)[_WARM_UP:]
                    for way in _WAYS
                }
    figures = {
        f"{way}_p{share}_ms": round(float(np.nanpercentile(each, share)), 2)
        for way, each in found.items()
        for share in (50, 99)
    }
    return QueryFigures(
        **figures,
        lost=int(sum(np.isnan(each).sum() for each in found.values())),
    )


def _photo(item: DrawnItem, number: int) -> dict[str, Any]:
    # The number after the end of the JPEG does not change the picture, but no worker has cached it.
    return {"image": item.jpeg + number.to_bytes(4, "big")}


def _boxes(item: DrawnItem, number: int) -> dict[str, Any]:
    """As many boxes as a query may have: four columns of two."""
    boxes = [Box(x=at % 4 / 4, y=at // 4 / 2, width=1 / 4, height=1 / 2) for at in range(BOXES_LIMIT)]
    return _photo(item, number + 3_000_000) | {"boxes": boxes}


def _salient(item: DrawnItem, number: int) -> dict[str, Any]:
    return _photo(item, number + 1_000_000) | {"box": "salient"}


def _words(_: DrawnItem, number: int) -> dict[str, Any]:
    random = Random(number)  # noqa: S311 (no secret is drawn)
    return {"text": f"{random.choice(list(COLOURS))} {random.choice(CATEGORIES)} number {number}"}


def _photo_words(item: DrawnItem, number: int) -> dict[str, Any]:
    return _photo(item, number + 2_000_000) | _words(item, number + 2_000_000)


#: What a query has, by the way to ask; a worker knows no word or picture of one way from another.
_WAYS: Final[Mapping[str, Callable[[DrawnItem, int], dict[str, Any]]]] = {
    "photo": _photo,
    "boxes": _boxes,
    "salient": _salient,
    "words": _words,
    "photo_words": _photo_words,
}


def _catalogue(drawn: Iterable[DrawnItem]) -> Iterator[Event]:
    for item in drawn:
        upload = _upload(item.item_id, item.item_id, image=item.jpeg, title=item.title, category=item.category)
        yield Event(item.item_id, item.item_id.encode(), encode(upload))


def _queries(way: str, asked: Iterable[DrawnItem]) -> Iterator[Event]:
    for number, item in enumerate(asked):
        name = f"{way}-{number}"
        query = _upload(name, name, user_id=name, purpose="query", **_WAYS[way](item, number))
        yield Event(name, name.encode(), encode(query))


def _upload(event_id: str, item_id: str, *, user_id: str = "shop", **said: Any) -> Upload:
    now_ms = time.time_ns() // 1_000_000
    return Upload(event_id=event_id, item_id=item_id, user_id=user_id, occurred_at_ms=now_ms, **said)


def _client(kafka: str, events: str, answers: str, form: type[_Item] | type[_Answer]) -> LoadClient:
    decoder: msgspec.json.Decoder[_Item | _Answer] = msgspec.json.Decoder(form)

    def answered_by(value: bytes) -> str:
        answer = decoder.decode(value)
        return answer.item_id if isinstance(answer, _Item) else answer.trigger.event_id

    return LoadClient(kafka, events=events, answers=answers, answered_by=answered_by)
