"""Privacy requests in: checked, and passed on into the log of their users' events, where they take effect."""

from collections.abc import Sequence

from streams.errors import InvalidEvent
from streams.kafka.publisher import Publisher
from streams.metrics import EVENTS
from streams.privacy.control_records import ControlRecords
from streams.processing.breaker import Breaker
from streams.processing.dead_letters import dead_letter
from streams.wire.events import PrivacyRequest
from streams.wire.parsing import parse_privacy_request
from streams.wire.records import Message, Record
from streams.wire.topics import PRIVACY


class PrivacyAgent:
    """Turns records of events.privacy into control records on events.interactions."""

    def __init__(self, publisher: Publisher, controls: ControlRecords, breaker: Breaker, *, prefix: str) -> None:
        self._publisher = publisher
        self._controls = controls
        self._breaker = breaker
        self._prefix = prefix

    async def handle(self, records: Sequence[Record]) -> None:
        """Pass a batch on, or to the dead letters; doing it again changes nothing: a profile takes a request once."""
        parsed = [_parse(record) for record in records]
        await self._breaker.check(len(parsed), sum(isinstance(each, InvalidEvent) for each in parsed))
        messages = [self._message(record, each) for record, each in zip(records, parsed, strict=True)]
        await self._publisher.publish(messages)

    def _message(self, record: Record, parsed: PrivacyRequest | InvalidEvent) -> Message:
        if isinstance(parsed, InvalidEvent):
            return dead_letter(record, parsed, prefix=self._prefix)
        EVENTS.labels(PRIVACY.name, parsed.type, "applied").inc()
        return self._controls.message(parsed, record, prefix=self._prefix)


def _parse(record: Record) -> PrivacyRequest | InvalidEvent:
    try:
        return parse_privacy_request(record)
    except InvalidEvent as error:
        return error
