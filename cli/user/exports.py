"""Reads an export from its topic: all parts of it, however they lie among others."""

import time
from collections.abc import Mapping

import msgspec

from features.item import hash_of
from sightline_client.parsing import UNREADABLE
from sightline_client.privacy import join_export
from streams.errors import NotDelivered
from streams.kafka.log_reader import LogReader
from streams.privacy.export_parts import keys_of
from streams.wire.events import Export, PlaceInLog

LOOK_EVERY_S = 0.1
_decode = msgspec.json.Decoder(Export).decode


class ExportReader:
    """Finds exports that are published after its construction."""

    def __init__(self, log: LogReader, topic: str, partitions: int) -> None:
        self._log = log
        self._topic = topic
        #: The offset to read on from, by partition.
        self._next = {partition: log.extent(topic, partition).end for partition in range(partitions)}
        self._parts: dict[int, Export] = {}

    def wait_for(self, user_id: str, request: PlaceInLog, timeout_s: float) -> Export:
        """The whole export that answers a request; raises NotDelivered after `timeout_s`."""
        keys = {key: part for part, key in enumerate(keys_of(hash_of(user_id)), start=1)}
        deadline = time.monotonic() + timeout_s
        while True:
            self._read(keys, request)
            try:
                return join_export(self._parts.values())
            except ValueError as incomplete:
                if time.monotonic() > deadline:
                    raise NotDelivered(
                        f"the request was carried out, but within {timeout_s:g} s {incomplete}: "
                        "`sightline dead-letters list --since 1h` says whether Kafka refused it"
                    ) from None
            time.sleep(LOOK_EVERY_S)

    def _read(self, keys: Mapping[bytes, int], request: PlaceInLog) -> None:
        for partition, first in self._next.items():
            end = self._log.extent(self._topic, partition).end
            for record in self._log.read(self._topic, partition, first, end):
                part = keys.get(record.key or b"")
                found = None if part is None else _parse(record.value)
                if part is not None and found is not None and (found.request, found.part) == (request, part):
                    self._parts[part] = found
            self._next[partition] = end


def _parse(value: bytes | None) -> Export | None:
    try:
        return _decode(value or b"")
    except UNREADABLE:
        return None
