"""Pictures a second from the upload topic to the catalogue, compared with the model alone on the same cores."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray

from benchmarks.harness.cpu_time import children, cpu_s, family_cpu_s
from benchmarks.harness.load import Event, LoadClient
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.systems import FLAT_OUT
from benchmarks.world.pictures import draw_catalogue
from deploy.local import Stack
from deploy.service import Progress
from deploy.triton_server import newest_version
from deploy.workers import Worker, Workers
from features.vision.decode import decode
from streams.kafka.admin import create_topics
from streams.settings import Settings
from streams.wire import topics
from streams.wire.events import Upload, encode
from streams.wire.namespace import Namespace

#: Pictures before the measurement: a new broker costs more a picture than the model does.
WARM_UP = 2400
BATCH = 8
#: Delays are measured at this share of the measured rate, so that no queue builds up.
PACED = 0.5
#: The range of answers that counts: batches fill before it and run empty after it.
STEADY = (0.1, 0.9)


@dataclass(frozen=True, slots=True)
class EncoderFigures:
    """`images_per_s` from upload to catalogue at full load; the delays of one picture are measured at half that rate.

    `…_cpu_ms` is the processor time a picture at full load; `triton` includes the model, `load` is the load generator.
    """

    images_per_s: float
    model_images_per_s: float
    ratio: float
    p50_ms: float
    p99_ms: float
    uploads_cpu_ms: float
    decoders_cpu_ms: float
    triton_cpu_ms: float
    items_cpu_ms: float
    kafka_cpu_ms: float
    redis_cpu_ms: float
    load_cpu_ms: float
    lost: int


class _Item(msgspec.Struct):
    item_id: str


_decode_item = msgspec.json.Decoder(_Item).decode


def measure_encoder(settings: Settings, images: int, *, progress: Progress = lambda _: None) -> EncoderFigures:
    """Send drawn pictures through the uploads and items workers; ONNX Runtime alone runs before and after."""
    pictures = [item.jpeg for item in draw_catalogue(min(images, 200), seed=0)]
    uploads = _draw_uploads(pictures)
    with own_stack(settings, progress, services=("kafka", "redis", "triton")) as (own, endpoints):
        create_topics(endpoints.kafka, Namespace(own.topic_prefix), own.partitions, 1)
        client = LoadClient(
            endpoints.kafka,
            events=Namespace(own.topic_prefix).topic(topics.UPLOADS),
            answers=Namespace(own.topic_prefix).topic(topics.CATALOG),
            answered_by=lambda value: _decode_item(value).item_id,
        )
        with closing(client), Workers(own, endpoints, progress=progress).borrowed(("uploads", "items")) as workers:
            client.run([next(uploads) for _ in range(WARM_UP)], FLAT_OUT)
            model = partial(_model_rate, own, pictures, images // 2)
            model_before, clocks = model(), _clocks(own, workers)
            before_s = {name: clock() for name, clock in clocks.items()}
            flat_ms = client.run([next(uploads) for _ in range(images)], FLAT_OUT)
            cpu_ms = {f"{name}_cpu_ms": (clock() - before_s[name]) / images * 1000 for name, clock in clocks.items()}
            rate, model_rate = steady_rate(flat_ms), (model_before + model()) / 2
            progress(f"{rate:.0f} images/s, {model_rate:.0f} by the model alone")
            paced_ms = client.run([next(uploads) for _ in range(images)], PACED * rate)
    return EncoderFigures(
        images_per_s=round(rate, 1),
        model_images_per_s=round(model_rate, 1),
        ratio=round(rate / model_rate, 3),
        p50_ms=round(float(np.nanpercentile(paced_ms, 50)), 2),
        p99_ms=round(float(np.nanpercentile(paced_ms, 99)), 2),
        **{name: round(each, 2) for name, each in cpu_ms.items()},
        lost=int(np.isnan(flat_ms).sum() + np.isnan(paced_ms).sum()),
    )


def _clocks(settings: Settings, workers: Sequence[Worker]) -> dict[str, Callable[[], float]]:
    """Readers of the processor time of each process in seconds, by name."""
    pids = {worker.name: worker.process.pid for worker in workers}
    services = {each.name: each.pid for each in Stack(settings).status() if each.pid is not None}
    return {
        "uploads": partial(cpu_s, pids["uploads"]),
        "decoders": lambda: sum(map(cpu_s, children(pids["uploads"]))),
        "items": partial(cpu_s, pids["items"]),
        **{name: partial(family_cpu_s, pid) for name, pid in services.items()},
        "load": time.process_time,
    }


def steady_rate(delays_ms: NDArray[np.float64]) -> float:
    """Answers a second when all pictures are due at once, without the first and the last tenth."""
    answered_ms = np.sort(delays_ms[~np.isnan(delays_ms)])
    first, last = (int(share * (len(answered_ms) - 1)) for share in STEADY)
    return float((last - first) / (answered_ms[last] - answered_ms[first]) * 1000)


def _draw_uploads(pictures: Sequence[bytes]) -> Iterator[Event]:
    number = 0
    while True:
        item_id = f"item-{number}"
        upload = Upload(
            event_id=item_id,
            item_id=item_id,
            user_id="shop",
            occurred_at_ms=time.time_ns() // 1_000_000,
            # The number after the end of the JPEG does not change the picture, but the worker has not cached it.
            image=pictures[number % len(pictures)] + number.to_bytes(4, "big"),
        )
        yield Event(item_id, item_id.encode(), encode(upload))
        number += 1


def _model_rate(settings: Settings, pictures: Sequence[bytes], images: int) -> float:
    """Images a second of the model alone on all cores, with decoded pictures; the better of two ways.

    The ways are one session on all cores with batches, and one session a core with single pictures, as in Triton.
    """
    path = newest_version(settings.tools / "models" / settings.encoder) / "model.onnx"
    pixels = np.stack([decode(picture).pixels for picture in pictures[:BATCH]])
    cores = os.cpu_count() or 1
    together = _sessions_rate(path, pixels, images, sessions=1, threads=cores)
    apart = _sessions_rate(path, pixels[:1], images, sessions=cores, threads=1)
    return max(together, apart)


def _sessions_rate(path: Path, pixels: NDArray[np.uint8], images: int, *, sessions: int, threads: int) -> float:
    """Images a second of concurrent sessions, each with batches of `pixels`, uint8 [N, 224, 224, 3]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    made = [onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for _ in range(sessions)]
    runs = max(images // (len(pixels) * sessions), 1)

    def run(session: onnxruntime.InferenceSession, times: int) -> None:
        for _ in range(times):
            session.run(None, {"pixels": pixels})

    with ThreadPoolExecutor(sessions) as pool:
        list(pool.map(partial(run, times=1), made))
        started = time.perf_counter()
        list(pool.map(partial(run, times=runs), made))
        return runs * sessions * len(pixels) / (time.perf_counter() - started)
