"""What `sightline topics grow` does: topics in use cannot grow, so it copies the app to others, or says how."""

import asyncio
from dataclasses import asdict

from rich.progress import Progress, SpinnerColumn, TextColumn

from cli.output import diagnostics, print_json, results
from deploy.local import Stack
from streams.credentials import kafka_security
from streams.errors import CannotGrow
from streams.kafka.admin import read_log
from streams.replay.grow import Grown, grow_app
from streams.settings import Settings, read_settings
from streams.wire import topics
from streams.wire.namespace import Namespace


def grow(partitions: int, into: str | None, as_json: bool) -> None:
    """Copy the app under the prefix `into`, to topics with this number of partitions; without `into`, say how."""
    settings = read_settings()
    kafka = Stack(settings).endpoints().kafka
    if into is None or into == settings.topic_prefix:
        topic = Namespace(settings.topic_prefix).topic(topics.INTERACTIONS)
        found = len(read_log(kafka, topic, security=kafka_security(settings)).extents)
        raise CannotGrow(_how(settings, found, partitions))
    grown = _copy(settings, kafka, Namespace(into), partitions)
    if as_json:
        print_json({**asdict(grown), "prefix": into, "partitions": partitions})
        return
    results().print(f"{grown.events:,} events and {grown.items:,} items copied")
    results().print(
        f"Now start workers, publishers and readers of lists with SIGHTLINE_TOPIC_PREFIX={into} and "
        f"SIGHTLINE_PARTITIONS={partitions}, then run `sightline verify` with the same.",
        soft_wrap=True,
    )


def _copy(settings: Settings, kafka: str, into: Namespace, partitions: int) -> Grown:
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} copied"))
    with Progress(*columns, console=diagnostics(), transient=True) as bar:
        task = bar.add_task("", total=None)
        return asyncio.run(
            grow_app(settings, kafka, into=into, partitions=partitions, copied=lambda count: bar.advance(task, count))
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
  6. Run `sightline verify` with the same two variables until nothing is "not applied yet". Then delete the topics
     and the Redis keys of the old prefix.
What users did before the first retained event is lost. So are deletions of items of more than about a day ago: such an
item is shown again if somebody uploads it again. Receipts, exports and dead letters stay under the old prefix."""


def _prefix(old: Namespace, partitions: int) -> str:
    return old.named(f"{partitions}.")
