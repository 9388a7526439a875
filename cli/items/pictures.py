"""What `sightline items pictures` does: it compares the store of pictures with the catalogue, and sweeps it."""

import asyncio
import time
from contextlib import closing
from dataclasses import dataclass

import typer

from cli.output import print_json, results
from cli.running import running_stores
from deploy.local import Endpoints
from streams.credentials import kafka_security
from streams.errors import PromiseBroken
from streams.kafka.admin import check_topics
from streams.kafka.log_reader import KafkaLogReader
from streams.pictures.named import named_pictures
from streams.pictures.store import PictureStore
from streams.pictures.sweep import remove, survey
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace
from streams.wire.topics import CATALOG


@dataclass(frozen=True, slots=True)
class Compared:
    """The store against the catalogue: counts of files, and of pictures that are `missing`."""

    store: str
    files: int
    bytes: int
    unnamed: int
    removed: int
    missing: int


def compare_pictures(sweep: bool, even_most: bool, as_json: bool) -> None:
    """Compare, sweep if asked to, and print; exit code 1 if a picture is missing."""
    settings = read_settings()
    with running_stores(settings) as endpoints:
        _refuse_other_catalogue(settings, endpoints)
        found = asyncio.run(_compare(settings, endpoints, sweep, even_most))
    if as_json:
        print_json({"ok": not found.missing, **{name: getattr(found, name) for name in Compared.__slots__}})
    else:
        console = results()
        console.print(f"{found.files:,} files of {found.bytes / 1e6:,.1f} MB in {found.store}")
        console.print(
            f"{found.unnamed:,} that no item names since a day and a half or more; {found.removed:,} removed now"
        )
        console.print(f"{found.missing:,} pictures that items name are missing")
    if found.missing:
        raise typer.Exit(1)


def _refuse_other_catalogue(settings: Settings, endpoints: Endpoints) -> None:
    """Raise PromiseBroken where the catalogue cannot be read whole: what the rest of it names would be removed."""
    namespace = Namespace(settings.topic_prefix)
    broken = check_topics(endpoints.kafka, namespace, settings.partitions, security=kafka_security(settings))
    wrong = [str(each) for each in broken if each.dangerous and each.subject == namespace.topic(CATALOG)]
    if wrong:
        raise PromiseBroken("nothing was compared, and nothing removed:\n" + "\n".join(wrong))


async def _compare(settings: Settings, endpoints: Endpoints, sweep: bool, even_most: bool) -> Compared:
    namespace = Namespace(settings.topic_prefix)
    store = PictureStore(settings.picture_store, namespace)
    with closing(KafkaLogReader(endpoints.kafka, security=kafka_security(settings))) as log:
        named = named_pictures(log, namespace, settings.partitions)
    now_s = time.time()
    found = await survey(store, named, now_s)
    removed = await remove(store, found, now_s, even_most=even_most) if sweep else 0
    return Compared(f"{store.url}/{store.folder}", found.files, found.bytes, len(found.unnamed), removed, found.missing)
