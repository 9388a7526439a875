"""What `sightline dead-letters retry` does: it sends letters back to the topics they came from."""

import asyncio
from dataclasses import asdict
from functools import partial

from cli.dead_letters.topic import choice_of, open_letters
from cli.output import print_json, progress, results
from deploy.local import Stack
from streams.credentials import kafka_security
from streams.kafka.publisher import KafkaPublisher, NullPublisher
from streams.processing.redrive import Choice, Retried, retry
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace


def send_back(
    reason: str | None,
    topic: str | None,
    age_ms: int | None,
    limit: int | None,
    *,
    again: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send the chosen letters back, or only count them in a dry run, and print the counts."""
    done = asyncio.run(_send(read_settings(), choice_of(reason, topic, age_ms), limit, again, dry_run))
    if as_json:
        print_json({"dry_run": dry_run, **asdict(done)})
        return
    what = "would be sent back" if dry_run else "sent back"
    results().print(f"{done.sent} {what}, {done.earlier} were sent back before (--again includes them)")
    if done.foreign:
        results().print(f"{done.foreign} came from topics that are not ours and stay")
    if done.cut:
        results().print(f"{done.cut} are not the whole message and stay")
    if done.refused:
        results().print(
            f"{done.refused} are refused by Kafka and stay: `sightline topics check` says which topics take too little"
        )


async def _send(settings: Settings, choice: Choice, limit: int | None, again: bool, dry_run: bool) -> Retried:
    def report(done: Retried) -> None:
        progress(f"{done.sent} sent back")

    with open_letters(settings) as letters:
        sending = partial(retry, letters, choice, namespace=Namespace(settings.topic_prefix), limit=limit, again=again)
        if dry_run:
            return await sending(NullPublisher())
        kafka, security = Stack(settings).endpoints().kafka, kafka_security(settings)
        publisher = KafkaPublisher(kafka, client_id="sightline-retry", security=security)
        try:
            return await sending(publisher, progress=report)
        finally:
            await publisher.close()
