"""Pictures a second from the upload topic to the catalogue, and their processor time.

Compared with the model alone on the same cores, and with workers that embed pictures and do nothing else with them.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray

from benchmarks.harness import plain_uploads
from benchmarks.harness.cpu_time import children, cpu_s, family_cpu_s
from benchmarks.harness.load import Event, LoadClient
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.systems import FLAT_OUT, settings_of
from benchmarks.world.pictures import draw_catalogue
from deploy.local import Endpoints, Stack
from deploy.service import Progress
from deploy.triton_server import newest_version
from deploy.workers import COMMAND, Worker, Workers
from features.vision.decode import decode
from streams.kafka.admin import create_topics
from streams.settings import Settings
from streams.wire import topics
from streams.wire.events import Upload, encode
from streams.wire.namespace import Namespace

#: Times as many pictures before the measurement: a new broker costs more a picture than the model does.
WARM_UP = 6
BATCH = 8
#: Our workers, then the plain ones, so many times.
TURNS = 2
#: Delays are measured at this share of the measured rate, so that no queue builds up.
PACED = 0.5
#: The range of answers that counts: batches fill before it and run empty after it.
STEADY = (0.1, 0.9)


@dataclass(frozen=True, slots=True)
class EncoderFigures:
    """`images_per_s` from upload to catalogue at full load; the delays of one picture are measured at half that rate.

    `…_cpu_ms` is the processor time a picture at full load; `triton` includes the model, `load` is the load generator.
    `cpu_ms` is that of all processes but the load generator, `plain_…` the same of workers that only embed pictures,
    and `cost` how many times theirs ours is.
    """

    images_per_s: float
    model_images_per_s: float
    ratio: float
    plain_images_per_s: float
    cpu_ms: float
    plain_cpu_ms: float
    cost: float
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


@dataclass(slots=True)
class _Line:
    """Workers from the upload topic to the catalogue, with the figures of their turns.

    `rates` are images a second, and `cpu_ms` processor times of a picture by process, one for each turn.
    """

    client: LoadClient
    uploads: Iterator[Event]
    clocks: Mapping[str, Callable[[], float]]
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[dict[str, float]] = field(default_factory=list)
    lost: int = 0

    def run(self, images: int, rate: float = FLAT_OUT) -> NDArray[np.float64]:
        """Send so many pictures; milliseconds from due to catalogue [images], NaN for never."""
        delays_ms = self.client.run([next(self.uploads) for _ in range(images)], rate)
        self.lost += int(np.isnan(delays_ms).sum())
        return delays_ms

    def take_turn(self, images: int) -> None:
        """Measure pictures at full load."""
        before_s = {name: clock() for name, clock in self.clocks.items()}
        self.rates.append(steady_rate(self.run(images)))
        self.cpu_ms.append({name: (clock() - before_s[name]) / images * 1000 for name, clock in self.clocks.items()})

    @property
    def rate(self) -> float:
        """Images a second, the mean of the turns."""
        return float(np.mean(self.rates))

    def mean_cpu_ms(self) -> dict[str, float]:
        """The processor time of a picture by process, the mean of the turns."""
        return {name: float(np.mean([turn[name] for turn in self.cpu_ms])) for name in self.clocks}


def measure_encoder(settings: Settings, images: int, *, progress: Progress = lambda _: None) -> EncoderFigures:
    """Send drawn pictures through the uploads and items workers, in turns with workers that only embed them.

    ONNX Runtime alone runs before and after.
    """
    pictures = [item.jpeg for item in draw_catalogue(min(images, 200), seed=0)]
    with own_stack(settings, progress, services=("kafka", "redis", "triton")) as (own, endpoints), ExitStack() as stack:
        plain_settings = own.model_copy(update={"keep_pictures": "none"})
        line = partial(_line, endpoints=endpoints, services=own, pictures=pictures, progress=progress)
        ours = stack.enter_context(line(settings_of("ours", own), COMMAND))
        plain = stack.enter_context(line(settings_of("plain", plain_settings), plain_uploads.COMMAND))
        for each in (ours, plain):
            each.run(WARM_UP * images // 2)
            each.lost = 0
        model = partial(_model_rate, own, pictures, images // 2)
        model_before = model()
        for number in range(1, TURNS + 1):
            for each in (ours, plain):
                each.take_turn(images)
            progress(f"turn {number} of {TURNS}: {ours.rates[-1]:.0f} images/s, {plain.rates[-1]:.0f} only embedded")
        for name, each in (("ours", ours), ("plain", plain)):
            progress(f"{name}: {', '.join(f'{part} {ms:.1f} ms' for part, ms in each.mean_cpu_ms().items())} a picture")
        model_rate = (model_before + model()) / 2
        progress(f"{ours.rate:.0f} images/s, {model_rate:.0f} by the model alone")
        paced_ms = ours.run(images, PACED * ours.rate)
    return _figures(ours, plain, model_rate, paced_ms)


def _figures(ours: _Line, plain: _Line, model_rate: float, paced_ms: NDArray[np.float64]) -> EncoderFigures:
    cpu_ms, plain_cpu_ms = ours.mean_cpu_ms(), plain.mean_cpu_ms()
    whole, plain_whole = (sum(each.values()) - each["load"] for each in (cpu_ms, plain_cpu_ms))
    return EncoderFigures(
        images_per_s=round(ours.rate, 1),
        model_images_per_s=round(model_rate, 1),
        ratio=round(ours.rate / model_rate, 3),
        plain_images_per_s=round(plain.rate, 1),
        cpu_ms=round(whole, 2),
        plain_cpu_ms=round(plain_whole, 2),
        cost=round(whole / plain_whole, 3),
        p50_ms=round(float(np.nanpercentile(paced_ms, 50)), 2),
        p99_ms=round(float(np.nanpercentile(paced_ms, 99)), 2),
        **{f"{name}_cpu_ms": round(each, 2) for name, each in cpu_ms.items()},
        lost=ours.lost + plain.lost,
    )


@contextmanager
def _line(
    settings: Settings,
    command: Sequence[str],
    *,
    endpoints: Endpoints,
    services: Settings,
    pictures: Sequence[bytes],
    progress: Progress,
) -> Iterator[_Line]:
    """An uploads worker started by `command`, and an items worker, on topics of their own."""
    names = Namespace(settings.topic_prefix)
    create_topics(endpoints.kafka, names, settings.partitions, 1)
    client = LoadClient(
        endpoints.kafka,
        events=names.topic(topics.UPLOADS),
        answers=names.topic(topics.CATALOG),
        answered_by=lambda value: _decode_item(value).item_id,
    )
    uploads = Workers(settings, endpoints, command=command, progress=progress)
    items = Workers(settings, endpoints, progress=progress)
    with closing(client), uploads.borrowed(("uploads",)) as (first,), items.borrowed(("items",)) as (second,):
        yield _Line(client, _draw_uploads(pictures), _clocks(services, first, second))


def _clocks(settings: Settings, uploads: Worker, items: Worker) -> dict[str, Callable[[], float]]:
    """Readers of the processor time of each process in seconds, by name."""
    services = {each.name: each.pid for each in Stack(settings).status() if each.pid is not None}
    return {
        "uploads": partial(cpu_s, uploads.process.pid),
        "decoders": lambda: sum(map(cpu_s, children(uploads.process.pid))),
        "items": partial(cpu_s, items.process.pid),
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
