"""The one reader of what is published, for all requests of the process."""

from collections.abc import Sequence
from typing import Final

import msgspec

from sightline_client.parsing import UNREADABLE
from sightline_client.privacy import Export, PlaceInLog, Receipt
from sightline_client.trends import Trends
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.processing.topic_tail import Followed, TopicTail
from streams.wire import topics
from streams.wire.events import DeadLetter, Recommendations
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from web.tail.awaited import Awaited
from web.tail.exports import Exports
from web.tail.letters import Letter, letter_of
from web.tail.newest_lists import NewestLists

#: Seconds before the start from which on lists are read, so that who reconnects misses none of a short restart.
_LISTS_BACK_S: Final = 60.0
#: As to receipts, exports and dead letters: who asked may come back for them.
_ANSWERS_BACK_S: Final = 3600.0
#: What rises is on a topic of three keys.
_TRENDS_BACK_S: Final = 30 * 86_400.0
_RECEIPTS: Final = 10_000
_EXPORTS: Final = 200
_LETTERS: Final = 1_000
_ANSWERS: Final = 1_000


class _List(msgspec.Struct):
    """What the tail looks at of a published list."""

    user_id: str
    seq: int
    kind: str


class Tail:
    """Lists, answers to queries, receipts, exports, dead letters and trends, as they arrive.

    `answers` are by the id of their asker, `letters` by the key of the event that was refused, `receipts` and
    `exports` by the place of the request in events.privacy. `trends` by their kind.
    """

    def __init__(self) -> None:
        self.lists = NewestLists()
        self.answers: Awaited[str, Recommendations] = Awaited(_ANSWERS)
        self.letters: Awaited[str, Letter] = Awaited(_LETTERS)
        self.receipts: Awaited[PlaceInLog, Receipt] = Awaited(_RECEIPTS)
        self.exports = Exports(_EXPORTS)
        self.trends: dict[str, Trends] = {}
        self._list = msgspec.json.Decoder(_List)
        self._answer = msgspec.json.Decoder(Recommendations)
        self._letter = msgspec.json.Decoder(DeadLetter)
        self._receipt = msgspec.json.Decoder(Receipt)
        self._export = msgspec.json.Decoder(Export)
        self._trends = msgspec.json.Decoder(Trends)

    def of(self, bootstrap: str, namespace: Namespace, *, security: KafkaSecurity = PLAINTEXT) -> TopicTail:
        """What feeds this from the topics of an app."""
        followed = (
            (topics.RECOMMENDATIONS, Followed(self.read_lists, _LISTS_BACK_S)),
            (topics.DEAD_LETTERS, Followed(self.read_letters, _ANSWERS_BACK_S, _LETTERS)),
            (topics.RECEIPTS, Followed(self.read_receipts, _ANSWERS_BACK_S, _RECEIPTS)),
            (topics.EXPORTS, Followed(self.read_exports, _ANSWERS_BACK_S, _EXPORTS)),
            (topics.TRENDS, Followed(self.read_trends, _TRENDS_BACK_S)),
        )
        return TopicTail(bootstrap, {namespace.topic(topic): each for topic, each in followed}, security=security)

    def read_lists(self, records: Sequence[Record]) -> None:
        """Take records of the topic recommendations."""
        for record in records:
            if record.value is None:
                self.lists.withdraw((record.key or b"").decode(errors="replace"))
                continue
            try:
                made = self._list.decode(record.value)
                if made.kind == "feed":
                    self.lists.put(made.user_id, made.seq, record.value)
                else:
                    self.answers.put(made.user_id, self._answer.decode(record.value))
            except UNREADABLE:
                continue

    def read_letters(self, records: Sequence[Record]) -> None:
        """Take records of the topic dead-letters."""
        for record in records:
            try:
                letter = self._letter.decode(record.value or b"")
                self.letters.put((letter.key or b"").decode(), letter_of(letter))
            except UNREADABLE:
                continue

    def read_receipts(self, records: Sequence[Record]) -> None:
        """Take records of the topic privacy.receipts."""
        for record in records:
            try:
                receipt = self._receipt.decode(record.value or b"")
            except UNREADABLE:
                continue
            self.receipts.put(receipt.request, receipt)

    def read_exports(self, records: Sequence[Record]) -> None:
        """Take records of the topic privacy.exports: of a user who is forgotten, all keys are withdrawn."""
        for record in records:
            if record.value is None:
                self.exports.withdraw((record.key or b"").decode(errors="replace"))
                continue
            try:
                self.exports.put(self._export.decode(record.value))
            except UNREADABLE:
                continue

    def read_trends(self, records: Sequence[Record]) -> None:
        """Take records of the topic trends."""
        for record in records:
            try:
                trends = self._trends.decode(record.value or b"")
            except UNREADABLE:
                continue
            self.trends[trends.kind] = trends
