"""An agent that checks records and passes them on, for topics whose effect must follow another topic's order."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from streams.errors import InvalidEvent
from streams.kafka.publisher import Publisher
from streams.metrics import EVENTS
from streams.processing.breaker import Breaker
from streams.processing.dead_letters import set_aside
from streams.processing.refusals import count_refused, or_refusal
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.topics import Topic

#: Returns a record's event type, for metrics, and the message that passes it on. Raises InvalidEvent or NothingSaid.
PassOn: TypeAlias = Callable[[Record], tuple[str, Message]]


class Relay:
    """Handles micro-batches of one topic. A crash may pass records on twice, so their effect must be idempotent."""

    def __init__(
        self, topic: Topic, pass_on: PassOn, publisher: Publisher, breaker: Breaker, *, namespace: Namespace
    ) -> None:
        self._topic = topic
        self._pass_on = pass_on
        self._publisher = publisher
        self._breaker = breaker
        self._namespace = namespace

    async def handle(self, records: Sequence[Record]) -> None:
        """Pass the records of a batch on; invalid ones become dead letters."""
        outcomes = [or_refusal(self._pass_on, record) for record in records]
        await self._breaker.check(*count_refused(outcomes))
        messages = [self._messages(record, each) for record, each in zip(records, outcomes, strict=True)]
        await self._publisher.publish([message for each in messages for message in each])

    def _messages(self, record: Record, outcome: tuple[str, Message] | InvalidEvent) -> list[Message]:
        if isinstance(outcome, InvalidEvent):
            return set_aside(record, outcome, namespace=self._namespace)
        kind, message = outcome
        EVENTS.labels(self._topic.name, kind, "applied").inc()
        return [message]
