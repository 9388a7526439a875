"""Consumes state.catalog: embeds the title and description of each item that says something new.

The vector goes to state.signals, where each item has one writer and one order (docs/adr/0007), and comes back with the
item's next record, of which nothing is left to do. While the tower is away, records wait in their topic, and the
pictures, prices and lists of items wait for nothing here (docs/adr/0037).
"""

import asyncio
from collections.abc import Sequence

from features.item import Item
from features.words.item_words import VERSION, ItemWords, text_hash
from inference.errors import BadEmbedding, EncoderUnavailable
from inference.words.encoder import Embed
from state.codec import decode_item
from state.errors import StateCorrupt
from streams.kafka.publisher import Publisher
from streams.logs import log
from streams.metrics import WORDS
from streams.retrying import until_available
from streams.wire.records import Message, Record, events_of
from streams.wire.signals import SignalTopic, Worded


class WordsAgent:
    """Handles micro-batches of state.catalog. A crash may embed words twice, which changes nothing."""

    def __init__(self, embed: Embed, publisher: Publisher, signals: SignalTopic) -> None:
        self._embed = embed
        self._publisher = publisher
        self._signals = signals

    async def handle(self, records: Sequence[Record]) -> None:
        """Embed what a batch says that has no vector of this tower; returns when it is published."""
        latest = {item.item_id: item for record in events_of(records) if (item := _read(record)) is not None}
        found = await asyncio.gather(*(self._message(item) for item in latest.values() if _lacks_words(item)))
        await self._publisher.publish([message for message in found if message is not None])

    async def _message(self, item: Item) -> Message | None:
        text = item.text
        try:
            vector = await until_available(lambda: self._embed(text), EncoderUnavailable)
        except BadEmbedding as error:
            WORDS.labels("refused").inc()
            log.error("words_not_embedded", error=str(error))
            return None
        WORDS.labels("unreadable" if vector is None else "embedded").inc()
        half = b"" if vector is None else vector.astype("<f2").tobytes()
        return self._signals.message(Worded(item.item_id, ItemWords(VERSION, text_hash(text), half)))


def _read(record: Record) -> Item | None:
    """The item of a record; None for a tombstone, and for one that cannot be read, which the replica logs."""
    try:
        return None if record.value is None else decode_item(record.value)
    except StateCorrupt:
        return None


def _lacks_words(item: Item) -> bool:
    """Whether it says something that has no vector of this tower; a vector of other words is gone with them."""
    return bool(item.text) and (item.words is None or item.words.version != VERSION)
