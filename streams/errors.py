"""What can go wrong between the topics.

StreamError
├── InvalidEvent       never retried: the message goes to the dead letters with `reason`
├── BrokerUnavailable  Kafka does not answer, or lacks a topic: start it, then try again
├── NotDelivered       a publisher's events that Kafka did not acknowledge in time
└── PublishFailed      the broker refused a worker's message for good: the process ends, and replays when restarted
"""


class StreamError(Exception):
    """The root of this package's errors."""


class InvalidEvent(StreamError):
    """A message that can never be used; `reason` is a short stable code for metrics and dead letters."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BrokerUnavailable(StreamError):
    """Kafka cannot be used as it is; the message says what to do."""

    @classmethod
    def no_answer(cls, bootstrap: str, error: BaseException) -> "BrokerUnavailable":
        """No broker could be reached at an address."""
        return cls(
            f"no Kafka answers at {bootstrap} ({error}): "
            "start one with `sightline up`, or set SIGHTLINE_KAFKA to the address of yours"
        )

    @classmethod
    def no_topic(cls, topic: str) -> "BrokerUnavailable":
        """The cluster lacks one of our topics."""
        return cls(f"topic {topic!r} does not exist: run `sightline topics create`")


class NotDelivered(StreamError):
    """Events given to a publisher that Kafka did not acknowledge."""


class PublishFailed(StreamError):
    """The broker will never take a message of ours: wrong topic, size or permission."""
