"""What `sightline reembed` does: all items get a vector of another encoder, beside those that they have."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import closing

import typer
from rich.table import Table

from cli.output import print_json, progress, progress_bar, results
from cli.running import running_system
from deploy.local import Endpoints
from deploy.workers import WorkerName
from inference.encoders.triton import TritonEncoder
from streams.catalog.contents import read_items
from streams.credentials import kafka_security, triton_tls
from streams.kafka.log_reader import KafkaLogReader
from streams.kafka.publisher import KafkaPublisher
from streams.pictures.store import PictureStore
from streams.reembedding.pace import Pace
from streams.reembedding.reembedding import BATCH, Outcome, Pictured, Reembedding, Wanting, dropping, wanting
from streams.settings import Settings, read_settings
from streams.uploads.decoder import Decoder
from streams.wire.namespace import Namespace
from streams.wire.signals import SignalTopic
from streams.wire.topics import SIGNALS

_SHOWN = 10
#: Workers on the same machine come first.
_NICE = 10
#: What applies the vectors. No other worker is needed, and another interactions worker would take partitions over.
_WORKERS: tuple[WorkerName, ...] = ("items",)


def reembed_items(model: str, inflight: int, per_second: float, as_json: bool) -> None:
    """Embed the kept pictures of all items by a model of Triton; exit code 1 where an item has no vector of it then."""
    settings = read_settings()
    with running_system(settings, workers=_WORKERS) as endpoints:
        version, pictures, before, outcome = asyncio.run(
            _reembed(settings, endpoints, model, inflight, Pace(per_second))
        )
    lacking = len(before.without_picture) + len(outcome.failed)
    if as_json:
        print_json(
            {
                "encoder": version,
                "pictures": pictures,
                "embedded": outcome.embedded,
                "failed": outcome.failed,
                "no_picture_kept": len(before.without_picture),
                "clips_by_one_frame": outcome.by_one_frame,
                "broken_key_frames": outcome.broken_frames,
            }
        )
    else:
        _print(version, model, pictures, before, outcome)
    if lacking:
        raise typer.Exit(1)


def drop_vectors(encoder: str, as_json: bool) -> None:
    """Take the vectors of an encoder away from all items that have another one; exit code 1 where some keep it."""
    settings = read_settings()
    with running_system(settings, workers=_WORKERS) as endpoints:
        dropped, kept = asyncio.run(_drop(settings, endpoints, encoder))
    if as_json:
        print_json({"encoder": encoder, "dropped": dropped, "kept": kept})
    else:
        left = f", {kept:,} kept: these items have no other one" if kept else ""
        results().print(f"{dropped:,} vectors of {encoder} taken away{left}")
    if kept:
        raise typer.Exit(1)
    if not dropped:
        progress(f"no item has a vector of {encoder}: `sightline items show ITEM` names the encoders of one")


async def _reembed(
    settings: Settings, endpoints: Endpoints, model: str, inflight: int, pace: Pace
) -> tuple[str, int, Wanting, Outcome]:
    os.nice(_NICE)
    namespace, publisher = Namespace(settings.topic_prefix), _publisher(settings, endpoints)
    encoder = await TritonEncoder.connect(
        endpoints.triton,
        tls=triton_tls(settings),
        model=model,
        dimensions=settings.dimensions,
        timeout_s=settings.encode_timeout_s,
        inflight=inflight,
    )
    decoder = Decoder(processes=settings.decode_processes)
    try:
        await publisher.warm_up([namespace.topic(SIGNALS)])
        await decoder.start()
        items = await asyncio.to_thread(_items, settings, endpoints)
        lacking = wanting(items, encoder.version)
        with progress_bar() as bar:
            task = bar.add_task(f"embedding by {encoder.version}", total=len(lacking.with_picture))
            work = Reembedding(
                encoder,
                decoder.decode,
                PictureStore(settings.picture_store, namespace),
                SignalTopic(namespace, settings.partitions),
                publisher.publish,
                at_once=2 * inflight,
                pace=pace,
                advance=lambda: bar.advance(task),
            )
            return encoder.version, len(items), lacking, await work.run(lacking.with_picture)
    finally:
        await decoder.close()
        await encoder.close()
        await publisher.close()


async def _drop(settings: Settings, endpoints: Endpoints, encoder: str) -> tuple[int, int]:
    publisher = _publisher(settings, endpoints)
    topic = SignalTopic(Namespace(settings.topic_prefix), settings.partitions)
    try:
        signals, kept = dropping(await asyncio.to_thread(_items, settings, endpoints), encoder)
        for start in range(0, len(signals), BATCH):
            await publisher.publish([topic.message(signal) for signal in signals[start : start + BATCH]])
    finally:
        await publisher.close()
    return len(signals), kept


def _items(settings: Settings, endpoints: Endpoints) -> list[Pictured]:
    with closing(KafkaLogReader(endpoints.kafka, security=kafka_security(settings))) as reader:
        return [*read_items(reader, Namespace(settings.topic_prefix), settings.partitions, Pictured.of).values()]


def _publisher(settings: Settings, endpoints: Endpoints) -> KafkaPublisher:
    return KafkaPublisher(endpoints.kafka, client_id="sightline-reembed", security=kafka_security(settings))


def _print(version: str, model: str, pictures: int, before: Wanting, outcome: Outcome) -> None:
    had = pictures - len(before.with_picture) - len(before.without_picture)
    results().print(
        f"{pictures:,} pictures: {had:,} had a vector of {version}, {outcome.embedded:,} got one, "
        f"{len(outcome.failed):,} failed, of {len(before.without_picture):,} no picture is kept"
    )
    if outcome.by_one_frame:
        more = ", …" if len(outcome.by_one_frame) > _SHOWN else ""
        results().print(
            f"{len(outcome.by_one_frame):,} clips have the vector of one frame, since no key frames of them are kept, "
            f"or none that can be read: {', '.join(outcome.by_one_frame[:_SHOWN])}{more}"
        )
    _print_reasons("whose key frames are broken", outcome.broken_frames)
    _print_reasons("that failed", outcome.failed)
    progress(
        f"next: SIGHTLINE_ENCODER_VERSION={version} and SIGHTLINE_ENCODER={model}, worker by worker "
        "(docs/operations.md#a-new-encoder)"
    )


def _print_reasons(which: str, reasons: Mapping[str, str]) -> None:
    if not reasons:
        return
    table = Table("item", "why", title=f"the first {_SHOWN} {which}", title_justify="left")
    for item_id, why in list(reasons.items())[:_SHOWN]:
        table.add_row(item_id, why)
    results().print(table)
