"""Lists before, while and after `sightline reembed` gives a catalogue the vectors of another encoder."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from benchmarks.harness.catalogue import draw_items
from benchmarks.harness.clicks import draw_clicks
from benchmarks.harness.delays import Delays, percentiles
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.systems import OURS, START_S, System, our_worker, settings_of
from benchmarks.world.pictures import draw_catalogue
from deploy import process
from deploy.local import Endpoints
from deploy.process import Process
from deploy.service import Progress
from deploy.workers import SIGHTLINE
from features.item import Item
from features.vision.decode import Wanted, decode
from features.vision.kept_picture import KeptPicture, preview_key
from streams.catalog.contents import read_items
from streams.errors import StreamError
from streams.kafka.log_reader import KafkaLogReader
from streams.kafka.publisher import KafkaPublisher
from streams.pictures.store import PictureStore
from streams.settings import Settings
from streams.wire.namespace import Namespace
from streams.wire.signals import SignalTopic, Uploaded

#: Different pictures that are kept; each is that of many items, and is read and embedded for each.
_PICTURES: Final = 200
#: Clicks that are sent at a time: afterwards it is looked whether the command still runs.
_TURN_S: Final = 5.0
#: The longest that the items worker may take to apply what waits for it.
_SETTLED_S: Final = 120.0
_LOOK_S: Final = 0.5
_END_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class ReembedPlan:
    """`rate` clicks a second by `users`, for `seconds` before and after, and at most for `limit_s` meanwhile.

    `per_second` is the option of the command; None leaves it at its default.
    """

    items: int
    rate: float
    seconds: float
    users: int
    limit_s: float
    per_second: float | None = None


@dataclass(frozen=True, slots=True)
class ReembedFigures:
    """Milliseconds from a click to its list; the ratios are meanwhile to before.

    `embedded` of the items got their vector in the `meanwhile_s` that the command took, or was given; `items_per_s`
    follows from both. `lost` clicks were never answered by a list.
    """

    before_p50_ms: float
    before_p99_ms: float
    meanwhile_p50_ms: float
    meanwhile_p99_ms: float
    after_p50_ms: float
    after_p99_ms: float
    ratio_p50: float
    ratio_p99: float
    meanwhile_s: float
    embedded: int
    items_per_s: float
    lost: int


def measure_reembed(settings: Settings, plan: ReembedPlan, *, progress: Progress = lambda _: None) -> ReembedFigures:
    """Let users click while the command runs on a catalogue whose pictures are kept, until it ends or for `limit_s`."""
    with own_stack(settings, progress, services=("kafka", "redis", "triton")) as (own, endpoints):
        ours, clicks = settings_of(OURS, own), draw_clicks(plan.users, plan.items, plan.rate)
        with our_worker(own, endpoints, clicks, progress, items=plan.items) as system:
            catalogue = _Catalogue(ours, endpoints)
            asyncio.run(catalogue.keep_pictures(plan.items))
            catalogue.await_items(lambda item: item.kept_picture is not None, plan.items)
            progress(f"{plan.items:,} items have a kept picture; one click by each of {plan.users} users")
            system.run(plan.users, plan.rate, patience_s=START_S)
            _clicks(system, plan, plan.seconds / 2)
            before = _clicks(system, plan, plan.seconds)
            progress("before: p50 {:.1f} ms, p99 {:.1f} ms".format(*percentiles(before)))
            begun = time.monotonic()
            with _reembedding(ours, endpoints, plan) as command:
                meanwhile = _clicks(system, plan, plan.limit_s, is_over=lambda: not process.alive(command))
            taken_s = time.monotonic() - begun
            progress("meanwhile: p50 {:.1f} ms, p99 {:.1f} ms".format(*percentiles(meanwhile)))
            embedded = catalogue.settled(lambda item: len(item.embeddings) > 1)
            after = _clicks(system, plan, plan.seconds)
            return _figures(before, meanwhile, after, taken_s, embedded, system.lost)


def _figures(
    before: Delays, meanwhile: Delays, after: Delays, taken_s: float, embedded: int, lost: int
) -> ReembedFigures:
    (p50, p99, _), (meanwhile_p50, meanwhile_p99, _), (after_p50, after_p99, _) = (
        percentiles(each).round(2).tolist() for each in (before, meanwhile, after)
    )
    return ReembedFigures(
        before_p50_ms=p50,
        before_p99_ms=p99,
        meanwhile_p50_ms=meanwhile_p50,
        meanwhile_p99_ms=meanwhile_p99,
        after_p50_ms=after_p50,
        after_p99_ms=after_p99,
        ratio_p50=round(meanwhile_p50 / p50, 3),
        ratio_p99=round(meanwhile_p99 / p99, 3),
        meanwhile_s=round(taken_s, 1),
        embedded=embedded,
        items_per_s=round(embedded / taken_s, 1),
        lost=lost,
    )


def _clicks(
    system: System, plan: ReembedPlan, seconds: float, *, is_over: Callable[[], bool] = lambda: False
) -> Delays:
    """The delays of clicks in turns, for at least `seconds` or until it is over; a turn in which it ended is left out.

    The first turn always counts.
    """
    turns: list[Delays] = []
    turn_s = min(_TURN_S, seconds)
    while sum(map(len, turns)) < plan.rate * seconds:
        delays_ms = system.run(int(plan.rate * turn_s), plan.rate)
        has_ended = is_over()
        if not (has_ended and turns):
            turns.append(delays_ms)
        if has_ended:
            break
    return np.concatenate(turns)


@contextmanager
def _reembedding(settings: Settings, endpoints: Endpoints, plan: ReembedPlan) -> Iterator[Process]:
    """The command in a process of its own, which is ended on leaving if it still runs."""
    addresses = {"kafka": endpoints.kafka, "redis": endpoints.redis, "triton": endpoints.triton}
    bound = () if plan.per_second is None else ("--per-second", str(plan.per_second))
    running = process.spawn(
        (*SIGHTLINE, "reembed", "--model", settings.encoder, "--json", *bound),
        log=settings.home / "logs" / "reembed.log",
        env=settings.model_copy(update=addresses).environment(),
    )
    try:
        yield running
    finally:
        process.end(running, grace=_END_S)


class _Catalogue:
    """The items of our system, whose workers must run."""

    def __init__(self, settings: Settings, endpoints: Endpoints) -> None:
        self._settings = settings
        self._kafka = endpoints.kafka
        self._names = Namespace(settings.topic_prefix)

    async def keep_pictures(self, count: int) -> None:
        """Store pictures, and say that the items of `draw_items` were uploaded with them."""
        kept = await self._kept(min(count, _PICTURES))
        topic = SignalTopic(self._names, self._settings.partitions)
        items = draw_items(count, self._settings.dimensions)
        publisher = KafkaPublisher(self._kafka, client_id="bench")
        try:
            await publisher.publish(
                [
                    topic.message(Uploaded(replace(item, kept_picture=kept[number % len(kept)])))
                    for number, item in enumerate(items)
                ]
            )
        finally:
            await publisher.close()

    async def _kept(self, count: int) -> list[KeptPicture]:
        store, kept = PictureStore(self._settings.picture_store, self._names), []
        for drawn in draw_catalogue(count, seed=0):
            files = decode(drawn.jpeg, Wanted("preview")).kept
            assert files is not None
            key = preview_key(store.folder, hashlib.sha256(drawn.jpeg).hexdigest())
            await store.write(key, files.preview)
            kept.append(KeptPicture(key, key, files.width, files.height, len(files.preview)))
        return kept

    def await_items(self, is_one: Callable[[Item], bool], count: int) -> None:
        """Return when so many items are as asked; raises StreamError after two minutes."""
        deadline = time.monotonic() + _SETTLED_S
        while (found := self._count(is_one)) < count:
            if time.monotonic() > deadline:
                raise StreamError(f"{found:,} of {count:,} items have their picture: see the log of the items worker")
            time.sleep(_LOOK_S)

    def settled(self, is_one: Callable[[Item], bool]) -> int:
        """How many items are as asked, once their number stays the same."""
        found, now = -1, self._count(is_one)
        while now != found:
            time.sleep(_LOOK_S)
            found, now = now, self._count(is_one)
        return now

    def _count(self, is_one: Callable[[Item], bool]) -> int:
        with closing(KafkaLogReader(self._kafka)) as reader:
            return len(
                read_items(reader, self._names, self._settings.partitions, lambda item: True if is_one(item) else None)
            )
