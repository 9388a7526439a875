from confluent_kafka import KafkaError

from streams.kafka.publish_errors import MessagesRefused, Refused, refused_among
from streams.wire.records import Message
from tests.harness.refusing import TOO_LARGE

ERROR = KafkaError(TOO_LARGE)


class Report:
    """A delivery report as confluent-kafka gives it."""

    def __init__(self, message: Message) -> None:
        self._message = message

    def topic(self) -> str:
        return self._message.topic

    def key(self) -> bytes | None:
        return self._message.key

    def value(self) -> bytes | None:
        return self._message.value


def test_a_report_is_about_the_message_with_its_topic_key_and_value() -> None:
    messages = [
        Message("a", b"k", b"1"),
        Message("a", b"k", b"2"),
        Message("b", b"k", b"1"),
        Message("a", None, None),
        Message("a", b"k", b"2"),
    ]
    reports = [
        (ERROR, Report(messages[2])),
        (ERROR, Report(messages[1])),
        (ERROR, messages[3]),
        (ERROR, Report(messages[4])),
    ]
    refused = refused_among(messages, reports)
    assert [id(each.message) for each in refused] == [id(messages[number]) for number in (2, 1, 3, 4)]


def test_what_follows_a_refused_message_with_the_same_key_is_sent_again_after_it() -> None:
    messages = [Message("a", key, value) for key, value in ((b"k", b"0"), (b"k", b"1"), (b"l", b"2"), (b"k", b"3"))]
    failed = MessagesRefused(messages, [Refused(messages[1], ERROR)])
    again = [message.value for message, _ in failed.to_send_again()["a"]]
    assert again == [b"1", b"3"]
    assert "a message of 1 bytes to 'a'" in str(failed)
    assert "raise max.message.bytes" in str(failed)


def test_a_topic_without_partitions_is_missing_unless_the_message_names_one() -> None:
    error = KafkaError(KafkaError._UNKNOWN_PARTITION)
    reasons = [Refused(Message("a", b"k", b"v", partition=n), error).meaning.reason for n in (None, 3)]
    assert reasons == ["unpublishable_no_topic", "unpublishable_no_partition"]
