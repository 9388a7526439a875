"""What `sightline topics grow` does: topics in use cannot grow, so it copies the app to others, or says how."""

import asyncio
from contextlib import closing
from dataclasses import asdict

from rich.progress import TextColumn

from cli.operate.topic_bars import topic_bars
from cli.output import print_json, results
from deploy.local import Stack
from streams.credentials import kafka_security
from streams.errors import CannotGrow
from streams.kafka.admin import create_topics, read_log
from streams.kafka.admin_client import AdminConnection
from streams.kafka.continuity import Log
from streams.kafka.groups import read_group, read_handled
from streams.kafka.log_reader import KafkaLogReader
from streams.kafka.publisher import KafkaPublisher
from streams.replay.grow import Grown, copy_app
from streams.settings import Settings, read_settings
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.worker.wiring import WIRE

#: The topics that must be handled to their ends before the copy, and the worker that handles each.
_HANDLED_BY = (
    (topics.UPLOADS, "uploads"),
    (topics.ITEMS, "items"),
    (topics.PRIVACY, "items"),
    (topics.SIGNALS, "items"),
)


def grow(partitions: int, into: str | None, as_json: bool) -> None:
    """Copy the app under the prefix `into`, to topics with this number of partitions; without `into`, say how."""
    settings = read_settings()
    kafka = Stack(settings).endpoints().kafka
    old = Namespace(settings.topic_prefix)
    interactions = read_log(kafka, old.topic(topics.INTERACTIONS), security=kafka_security(settings))
    if into is None:
        raise CannotGrow(_how(settings, len(interactions.extents), partitions))
    new = Namespace(into)
    if new == old:
        raise CannotGrow(
            f"--into {into!r} is the prefix of the app itself: choose another, such as {_prefix(old, partitions)!r}"
        )
    _refuse_at_work(kafka, settings, old)
    created = create_topics(kafka, new, partitions, settings.replication_factor, security=kafka_security(settings))
    if created.existing:
        raise CannotGrow(
            f"topics that begin with {into!r} were there before, such as {created.existing[0]}: choose another prefix, "
            "or delete them if an earlier copy was interrupted"
        )
    grown = asyncio.run(_copy(kafka, settings, interactions, new, partitions))
    if as_json:
        print_json({**asdict(grown), "prefix": into, "partitions": partitions})
        return
    results().print(f"{grown.events:,} events and {grown.items:,} items copied", markup=False, highlight=False)
    results().print(
        f"Now start workers, publishers and readers of lists with SIGHTLINE_TOPIC_PREFIX={into} and "
        f"SIGHTLINE_PARTITIONS={partitions}, then run `sightline verify` with the same.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _how(settings: Settings, found: int, wanted: int) -> str:
    into = _prefix(Namespace(settings.topic_prefix), wanted)
    return f"""events.interactions has {found} partitions, and topics in use cannot get {wanted}.
A key's partition follows from the count: users whose partition changes would begin anew, items would be counted in two
places, and the seq of lists would fall, so that their readers drop them. The way is a copy under another prefix:
  1. Stop the publishers. Events that they keep are sent in step 5.
  2. Wait until nothing lags (`sightline_consumer_lag_records` is 0), then stop all workers.
  3. sightline topics grow {wanted} --into {into}
     It creates topics with {wanted} partitions. It copies what events.interactions retains, by its keys, and every item
     with its facts and vectors.
  4. Start the workers with SIGHTLINE_TOPIC_PREFIX={into} and SIGHTLINE_PARTITIONS={wanted}: they make profiles,
     neighbours and trends from the copy.
  5. Start publishers and readers of lists with the same prefix. seq begins again at 0: a reader that stored the
     last seq of each user must forget it.
  6. Run `sightline verify` with the same two variables. Then delete the topics and the Redis keys of the old prefix.
What users did before the first retained event is lost. Receipts, exports and dead letters stay under the old prefix."""


def _prefix(old: Namespace, partitions: int) -> str:
    return old.named(f"{partitions}.")


def _refuse_at_work(kafka: str, settings: Settings, namespace: Namespace) -> None:
    """Raise CannotGrow while workers run, or while something is not handled that the copy would leave out."""
    security = kafka_security(settings)
    with closing(AdminConnection(kafka, security=security)) as connection:
        running = [name for name in WIRE if read_group(connection, namespace.group(name)).members]
    if running:
        raise CannotGrow(
            f"workers still run: {', '.join(running)}. Stop the publishers, wait for the lag to end, stop them"
        )
    with closing(KafkaLogReader(kafka, security=security)) as log:
        for topic, worker in _HANDLED_BY:
            name = namespace.topic(topic)
            handled = read_handled(kafka, namespace.group(worker), name, security=security)
            for partition, extent in read_log(kafka, name, security=security).extents.items():
                first = max(handled.get(partition, -1) + 1, extent.first)
                waiting = sum(1 for _ in log.read(name, partition, first, extent.end))
                if waiting:
                    raise CannotGrow(
                        f"{name}[{partition}] has {waiting} records that are not handled: start the {worker} worker "
                        "until nothing lags, then stop it and try again"
                    )


async def _copy(kafka: str, settings: Settings, interactions: Log, new: Namespace, partitions: int) -> Grown:
    security = kafka_security(settings)
    catalogue = read_log(kafka, Namespace(settings.topic_prefix).topic(topics.CATALOG), security=security)
    publisher = KafkaPublisher(kafka, client_id="sightline-grow", security=security)
    with closing(KafkaLogReader(kafka, security=security)) as log, topic_bars(TextColumn("")) as progress:
        count = 0

        def copied(more: int) -> None:
            nonlocal count
            count += more
            progress("copied", count, count)

        try:
            return await copy_app(
                log, publisher, interactions, catalogue, into=new, partitions=partitions, copied=copied
            )
        finally:
            await publisher.close()
