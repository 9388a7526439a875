"""Pictures a second from the upload topic to the catalogue, against the bare model on the same cores."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import msgspec
import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types

from benchmarks.load import Event, LoadClient
from benchmarks.pictures import draw_catalogue
from benchmarks.surroundings import own_stack
from benchmarks.systems import FLAT_OUT
from deploy.service import Progress
from deploy.workers import Workers
from features.image import decode
from streams import topics
from streams.admin import create_topics
from streams.events import Upload, encode
from streams.settings import Settings

#: A broker that was started a moment ago costs more a picture than the model does.
WARM_UP = 400
BATCH = 8
#: The share of the measured rate at which the delays are measured: below it nothing queues up.
PACED = 0.5


@dataclass(frozen=True, slots=True)
class EncoderFigures:
    """`images_per_s` flat out, upload to item on the catalogue; delays of one picture at half that rate."""

    images_per_s: float
    model_images_per_s: float
    ratio: float
    p50_ms: float
    p99_ms: float
    lost: int


class _Item(msgspec.Struct):
    item_id: str


_decode_item = msgspec.json.Decoder(_Item).decode


def measure_encoder(settings: Settings, images: int, *, progress: Progress = lambda _: None) -> EncoderFigures:
    """Send drawn pictures through the uploads and items workers; before and after, ONNX Runtime has them alone."""
    pictures = [item.jpeg for item in draw_catalogue(min(images, 200), seed=0)]
    uploads = _draw_uploads(pictures)
    with own_stack(settings, progress, services=("kafka", "redis", "triton")) as (own, endpoints):
        create_topics(endpoints.kafka, own.topic_prefix, own.partitions, 1)
        client = LoadClient(
            endpoints.kafka,
            events=own.topic_prefix + topics.UPLOADS.name,
            answers=own.topic_prefix + topics.CATALOG.name,
            answered_by=lambda value: _decode_item(value).item_id,
        )
        with closing(client), Workers(own, endpoints, progress=progress).borrowed(("uploads", "items")):
            client.run([next(uploads) for _ in range(WARM_UP)], FLAT_OUT)
            model_before = _model_rate(own, pictures, images // 2)
            flat_ms = client.run([next(uploads) for _ in range(images)], FLAT_OUT)
            rate = images / (float(np.nanmax(flat_ms)) / 1000)
            model_rate = (model_before + _model_rate(own, pictures, images // 2)) / 2
            progress(f"{rate:.0f} images/s, {model_rate:.0f} by the model alone")
            paced_ms = client.run([next(uploads) for _ in range(images)], PACED * rate)
    return EncoderFigures(
        images_per_s=round(rate, 1),
        model_images_per_s=round(model_rate, 1),
        ratio=round(rate / model_rate, 3),
        p50_ms=round(float(np.nanpercentile(paced_ms, 50)), 2),
        p99_ms=round(float(np.nanpercentile(paced_ms, 99)), 2),
        lost=int(np.isnan(flat_ms).sum() + np.isnan(paced_ms).sum()),
    )


def _draw_uploads(pictures: Sequence[bytes]) -> Iterator[Event]:
    number = 0
    while True:
        item_id = f"item-{number}"
        upload = Upload(
            event_id=item_id,
            item_id=item_id,
            user_id="shop",
            occurred_at_ms=time.time_ns() // 1_000_000,
            # Its number behind its end makes no other picture of it, but one that the worker has not seen.
            image=pictures[number % len(pictures)] + number.to_bytes(4, "big"),
        )
        yield Event(item_id, item_id.encode(), encode(upload))
        number += 1


def _model_rate(settings: Settings, pictures: Sequence[bytes], images: int) -> float:
    """Images a second of the served model in a session that has all cores to itself, pictures decoded before."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    path = settings.tools / "models" / settings.encoder / "1" / "model.onnx"
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    pixels = np.stack([decode(picture).pixels for picture in pictures[:BATCH]])
    name = session.get_inputs()[0].name
    session.run(None, {name: pixels})
    started = time.perf_counter()
    for _ in range(max(images // BATCH, 1)):
        session.run(None, {name: pixels})
    return BATCH * max(images // BATCH, 1) / (time.perf_counter() - started)
