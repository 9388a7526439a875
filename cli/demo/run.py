"""What `sightline demo` does: it uploads a catalogue, lets shoppers click, and measures their lists."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.world.shoppers import Product, Shopper, Visit, fitting, invite
from benchmarks.world.shopping import Feeds, Sent, latencies, quantiles_ms, shop_together
from cli.demo.catalog import DemoItem, drawn_meanwhile, folder_items
from cli.demo.live import show_page
from cli.demo.report import Outcome, print_outcome, to_story, write_page
from cli.demo.story import Story, chapter
from cli.items.catalog_keys import catalog_keys, remove_items
from cli.items.uploading import Landed, Uploader
from cli.output import diagnostics, print_json, progress
from cli.running import ended_by_sigterm, running_system
from deploy.local import Endpoints, Stack
from deploy.workers import ALL as WORKERS
from features.printable import printable
from streams.client import EventPublisher
from streams.credentials import kafka_security
from streams.errors import StreamError
from streams.pseudonyms import known_as
from streams.settings import Settings, read_settings
from streams.wire.events import Upload
from streams.wire.namespace import Namespace
from streams.wire.topics import CATALOG

SEED = 7
SHOPPERS = 25
EVENTS = 600
EVENTS_PER_SECOND = 30.0
UPLOADS_INFLIGHT = 2
#: Clips on the page, beside the pictures.
CLIPS = 6
#: The owner of the pictures.
SHOP = "demo-shop"
SHOWN = 3
TOP = 10


class NothingSearchable(StreamError):
    """No picture reached the catalogue."""


class Unanswered(StreamError):
    """Events got no refreshed list."""


def run(images: Path | None, pictures: int, *, once: bool, keep: bool, as_json: bool) -> None:
    """Run the demo with a folder's pictures or drawn ones: open its page, or `once` write one and print its figures."""
    settings = read_settings()
    workers = WORKERS if once else (*WORKERS, "web")
    with (
        ended_by_sigterm(),
        _pictures(images, pictures, clips=0 if once else CLIPS) as catalogue,
        running_system(settings, keep=keep, workers=workers) as endpoints,
    ):
        items = catalogue()
        topic = Namespace(settings.topic_prefix).topic(CATALOG)
        before = catalog_keys(endpoints.kafka, topic, security=kafka_security(settings))
        try:
            if not once:
                _open(settings, endpoints, items)
                return
            outcome, story = _play(settings, endpoints.kafka, items)
        finally:
            if not keep:
                ours = {item.product.item_id for item in items} - before
                remove_items(endpoints.kafka, settings.topic_prefix, ours, security=kafka_security(settings))
    page = write_page(settings.home / "demo", story, items)
    print_outcome(outcome, page, keep=keep)
    if as_json:
        print_json(asdict(outcome))


@contextmanager
def _pictures(images: Path | None, count: int, *, clips: int) -> Iterator[Callable[[], list[DemoItem]]]:
    """What gives the items: a folder's, which are read at once, or drawn ones, drawn while the system starts."""
    if images is None:
        progress(f"drawing {count} pictures meanwhile")
        with drawn_meanwhile(count, SEED, clips=clips) as drawn:
            yield drawn
        return
    with _bars() as bars:
        items = list(bars.track(folder_items(images, count, SEED), total=count, description="reading pictures"))
    yield lambda: items


def _open(settings: Settings, endpoints: Endpoints, items: Sequence[DemoItem]) -> None:
    """Upload, say where the page is, and let shoppers click until Ctrl-C."""
    run, kafka = secrets.token_hex(2), endpoints.kafka
    with Uploader(
        kafka, prefix=settings.topic_prefix, inflight=UPLOADS_INFLIGHT, security=kafka_security(settings)
    ) as uploader:
        landed = _upload(uploader, items, run, known_as(settings, SHOP))
    _check_searchable(landed)
    show_page(settings, endpoints, _visits(settings, items, landed, run))


def _play(settings: Settings, kafka: str, items: Sequence[DemoItem]) -> tuple[Outcome, Story]:
    """Upload, shop, and collect the figures and the story."""
    run = secrets.token_hex(2)
    prefix, security = settings.topic_prefix, kafka_security(settings)
    with (
        Uploader(kafka, prefix=prefix, inflight=UPLOADS_INFLIGHT, security=security) as uploader,
        Feeds(kafka, prefix=prefix, security=security) as feeds,
        EventPublisher(kafka, prefix=prefix, security=security) as publisher,
    ):
        landed = _upload(uploader, items, run, known_as(settings, SHOP))
        _check_searchable(landed)
        products = _products(items, landed)
        shoppers = _shoppers(settings, products, run)
        visits = [Visit(shopper, list(products.values()), run=run, seed=SEED) for shopper in shoppers]
        sent = _shop(publisher, feeds, visits)
        users = {shopper.user_id for shopper in shoppers}
        received = [one for one in feeds.received if one.user_id in users]
        outcome = Outcome(
            events=len(sent),
            uploads=len(landed),
            recommendations=len(received),
            event_to_rec_ms=quantiles_ms(_answered(sent, feeds)),
            upload_to_searchable_ms=quantiles_ms([one.seconds for one in landed if one.refused is None]),
            dead_letters=uploader.dead_letters,
            versions=_versions(settings, feeds, shoppers),
            taste_at_10={
                shopper.name: {"taste": str(shopper.taste), "of_10": fitting(shopper, _top(feeds, shopper), products)}
                for shopper in shoppers
            },
        )
        chapters = [
            chapter(shopper, visit.clicked, newest.items, products)
            for shopper, visit in zip(shoppers[:SHOWN], visits, strict=False)
            if (newest := feeds.newest(shopper.user_id)) is not None
        ]
    return outcome, to_story(outcome, chapters)


def _products(items: Sequence[DemoItem], landed: Sequence[Landed]) -> dict[str, Product]:
    """What can be bought, by id: no clips, which show several products."""
    searchable = {one.item_id for one in landed if one.refused is None}
    products = (item for item in items if item.product.item_id in searchable and not item.is_clip)
    return {item.product.item_id: item.product for item in products}


def _shoppers(settings: Settings, products: Mapping[str, Product], run: str) -> list[Shopper]:
    invited = invite(list(products.values()), SHOPPERS, run=run, seed=SEED)
    return [replace(shopper, user_id=known_as(settings, shopper.user_id)) for shopper in invited]


def _visits(settings: Settings, items: Sequence[DemoItem], landed: Sequence[Landed], run: str) -> list[Visit]:
    products = _products(items, landed)
    return [
        Visit(shopper, list(products.values()), run=run, seed=SEED) for shopper in _shoppers(settings, products, run)
    ]


def _upload(uploader: Uploader, items: Sequence[DemoItem], run: str, owner: str) -> list[Landed]:
    landed: list[Landed] = []
    with _bars() as bars:
        bar = bars.add_task("uploading", total=len(items))

        def note(one: Landed) -> None:
            landed.append(one)
            bars.advance(bar)

        uploader.send_all((_event(item, run, owner) for item in items), note)
    return landed


def _check_searchable(landed: Sequence[Landed]) -> None:
    """Raise NothingSearchable if the catalogue is empty."""
    if all(one.refused is not None for one in landed):
        raise NothingSearchable(f"every upload was refused; the first as {printable(landed[0].refused or '')}")


def _event(item: DemoItem, run: str, owner: str) -> Upload:
    return Upload(
        event_id=f"upload-{run}-{item.product.item_id[-64:]}",
        occurred_at_ms=time.time_ns() // 1_000_000,
        item_id=item.product.item_id,
        user_id=owner,
        image=None if item.is_clip else item.image,
        video=item.image if item.is_clip else None,
        title=item.product.title,
        category=item.product.category,
        price=item.price,
        currency="EUR" if item.price is not None else None,
    )


def _shop(publisher: EventPublisher, feeds: Feeds, visits: Sequence[Visit]) -> list[Sent]:
    with _bars() as bars:
        bar = bars.add_task("shoppers click", total=EVENTS)
        return shop_together(
            publisher, feeds, visits, events=EVENTS, rate=EVENTS_PER_SECOND, on_event=lambda: bars.advance(bar)
        )


def _answered(sent: Sequence[Sent], feeds: Feeds) -> list[float]:
    """The seconds from each event to its list; raises Unanswered."""
    times = latencies(sent, list(feeds.received))
    answered = [seconds for seconds in times if seconds is not None]
    if len(answered) < len(times):
        raise Unanswered(
            f"{len(times) - len(answered)} of {len(times)} events were answered by no list: "
            "see the interactions worker's log under .sightline/logs"
        )
    return answered


def _top(feeds: Feeds, shopper: Shopper) -> list[str]:
    newest = feeds.newest(shopper.user_id)
    return [item.item_id for item in newest.items[:TOP]] if newest else []


def _versions(settings: Settings, feeds: Feeds, shoppers: Sequence[Shopper]) -> dict[str, str]:
    versions = {str(service.name): service.version or "?" for service in Stack(settings).status()}
    newest = feeds.newest(shoppers[0].user_id)
    return versions | {"encoder": newest.model.get("encoder", "?") if newest else "?"}


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description:16}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=diagnostics(),
    )
