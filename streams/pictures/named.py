"""Which pictures the items of the catalogue name."""

from threading import Event

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.vision.kept_picture import KeptPicture
from sightline_client.parsing import UNREADABLE
from streams.errors import StreamError
from streams.kafka.log_reader import LogReader
from streams.wire.namespace import Namespace
from streams.wire.topics import CATALOG


class _Named(msgspec.Struct, frozen=True):
    """What a record of state.catalog says of its picture."""

    kept_picture: KeptPicture | None = None


_decode = msgspec.json.Decoder(_Named).decode


class UnreadableRecord(StreamError):
    """A record of the catalogue cannot be read, so nobody knows which picture it names."""


class ReadingStopped(StreamError):
    """Reading was told to stop: what was read so far is not all that the catalogue names."""


def mark(sha256: str) -> int:
    """The first 64 bits of a hash: two pictures with the same ones are kept or removed together."""
    return int(sha256[:16], 16)


def named_pictures(
    log: LogReader, namespace: Namespace, partitions: int, stop: Event | None = None
) -> NDArray[np.uint64]:
    """The marks of all pictures that an item names now, ascending; `stop` ends the reading early.

    Raises UnreadableRecord, ReadingStopped and BrokerUnavailable.
    """
    topic = namespace.topic(CATALOG)
    marks: list[int] = []
    for partition in range(partitions):
        named: dict[bytes | None, int] = {}
        extent = log.extent(topic, partition)
        for record in log.read(topic, partition, extent.first, extent.end):
            if stop is not None and stop.is_set():
                raise ReadingStopped(f"{CATALOG.name}[{partition}] was read up to offset {record.offset}")
            # Only the last record of an item counts.
            named.pop(record.key, None)
            picture = None if record.value is None else _picture(record.value, partition, record.offset)
            if picture is not None:
                named[record.key] = mark(picture.sha256)
        marks += named.values()
    return np.unique(np.array(marks, np.uint64))


def _picture(value: bytes, partition: int, offset: int) -> KeptPicture | None:
    try:
        picture = _decode(value).kept_picture
    except UNREADABLE as error:
        raise UnreadableRecord(f"{CATALOG.name}[{partition}] offset {offset} is no item: {error}") from None
    return picture if picture is not None and picture.is_sound else None
