"""The agent of privacy requests. It checks each one and relays it to the log of user events, where it takes effect."""

from streams.kafka.publisher import Publisher
from streams.privacy.control_records import ControlRecords
from streams.processing.breaker import Breaker
from streams.processing.relay import Relay
from streams.processing.unknown_fields import note_unknown_fields
from streams.wire.events import PrivacyRequest
from streams.wire.namespace import Namespace
from streams.wire.parsing import parse_privacy_request
from streams.wire.records import Message, Record
from streams.wire.topics import PRIVACY


def privacy_agent(
    publisher: Publisher, control_records: ControlRecords, breaker: Breaker, *, namespace: Namespace
) -> Relay:
    """The agent of events.privacy. A profile applies a request once, so a request relayed twice changes nothing."""

    def pass_on(record: Record) -> tuple[str, Message]:
        request = parse_privacy_request(record)
        note_unknown_fields(record, PrivacyRequest)
        return request.type, control_records.message(request, record, namespace=namespace)

    return Relay(PRIVACY, pass_on, publisher, breaker, namespace=namespace)
