"""Faults of Triton: it is killed, slow, or answers NaN."""

import time
from io import BytesIO

import numpy as np
from confluent_kafka import Producer
from PIL import Image

from benchmarks.faults.breakable_model import break_model, mend_model
from benchmarks.faults.fault import Fault
from benchmarks.faults.outcome import Unmet
from benchmarks.faults.system import CALM_S, System
from streams.kafka.log_reader import KafkaLogReader
from streams.processing.dead_letters import read_letter
from streams.wire.events import Upload, encode
from streams.wire.namespace import Namespace
from streams.wire.topics import CATALOG, DEAD_LETTERS, UPLOADS

AWAY_S = 10.0
#: Longer than the encoder's deadline of 2 s: no response comes in time.
SLOW_S = 3.0
PICTURES = 12
#: For the uploads to reach the catalogue, on two cores.
SERVED_S = 30.0


def away(system: System) -> float:
    """Kill Triton for 10 s: pictures wait in their topic, clicks are answered."""
    _serve(system, "before")
    system.services.stack.kill("triton")
    waiting = _upload(system, "away")
    time.sleep(AWAY_S)
    _check_clicks(system)
    system.services.stack.start("triton")
    return _await_items(system, waiting)


def slow(system: System) -> float:
    """Delay responses by 3 s for 10 s, past every deadline: pictures are retried until a response comes in time."""
    _serve(system, "before")
    proxy = system.services.proxies["triton"]
    proxy.delay_s = SLOW_S
    waiting = _upload(system, "slow")
    time.sleep(AWAY_S)
    _check_clicks(system)
    proxy.delay_s = 0.0
    return _await_items(system, waiting)


def answer_nan(system: System) -> float:
    """Make embeddings NaN: each gives a dead letter and no item; later good embeddings are used."""
    models, encoder = system.services.models, system.settings.encoder
    assert models is not None
    _serve(system, "before")
    break_model(models, encoder)
    broken = _upload(system, "nan")
    system.await_that(lambda: _letters(system, "bad_embedding") == len(broken), "a dead letter for each NaN")
    mend_model(models, encoder)
    begun = time.monotonic()
    _serve(system, "after")
    if found := broken & _items(system):
        raise Unmet(f"{len(found)} pictures without an embedding are in the catalogue")
    return time.monotonic() - begun


def _serve(system: System, run: str) -> None:
    _await_items(system, _upload(system, run))


def _upload(system: System, run: str) -> set[str]:
    """Publish PICTURES pictures; returns their item ids."""
    producer = Producer({"bootstrap.servers": system.services.kafka, "partitioner": "murmur2_random", "log_level": 0})
    items = {f"picture-{run}-{number}" for number in range(PICTURES)}
    for item in sorted(items):
        now_ms = time.time_ns() // 1_000_000
        upload = Upload(event_id=item, item_id=item, user_id="seller", occurred_at_ms=now_ms, image=_jpeg(item))
        producer.produce(system.topic(UPLOADS), key=item.encode(), value=encode(upload))
    producer.flush()
    return items


def _await_items(system: System, items: set[str]) -> float:
    begun = time.monotonic()
    system.await_that(lambda: items <= _items(system), f"{len(items)} uploaded pictures are in the catalogue")
    return time.monotonic() - begun


def _items(system: System) -> set[str]:
    return {key.decode() for key, _ in _read(system, CATALOG.name)}


def _letters(system: System, reason: str) -> int:
    letters = [read_letter(value) for _, value in _read(system, DEAD_LETTERS.name)]
    return sum(letter is not None and letter.reason == reason for letter in letters)


def _read(system: System, topic: str) -> list[tuple[bytes, bytes]]:
    log = KafkaLogReader(system.services.kafka)
    try:
        name, partitions = Namespace(system.settings.topic_prefix).named(topic), range(system.settings.partitions)
        extents = {partition: log.extent(name, partition) for partition in partitions}
        found = [log.read(name, partition, extent.first, extent.end) for partition, extent in extents.items()]
        return [(record.key or b"", record.value or b"") for records in found for record in records]
    finally:
        log.close()


def _check_clicks(system: System) -> None:
    """Clicks must be answered while the encoder is in trouble."""
    since_s = time.time()
    taken_s = system.await_lists(set(range(system.settings.partitions)), since_s)
    if taken_s > CALM_S:
        raise Unmet(f"clicks waited {taken_s:.1f} s for a list while the encoder was in trouble")


def _jpeg(item: str) -> bytes:
    """Another picture for each item: a picture seen before is answered from the encoder's memory, not by Triton."""
    pixels = np.random.default_rng([*item.encode()]).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).resize((240, 240)).save(out, "JPEG")
    return out.getvalue()


FAULTS = (
    Fault("triton-down", "killed, back after 10 s", away, within_s=SERVED_S, uploads=1, needs=frozenset({"triton"})),
    Fault("triton-slow", "answers 3 s late for 10 s", slow, SERVED_S, uploads=1, needs=frozenset({"triton proxy"})),
    Fault("triton-nan", "embeddings of NaN", answer_nan, SERVED_S, uploads=1, needs=frozenset({"broken model"})),
)
