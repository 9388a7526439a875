"""What can go wrong between an app and the topics.

StreamError
├── InvalidEvent       never retried: an app hears of it at once; in a topic it would be a dead letter with `reason`
├── BrokerUnavailable  Kafka does not answer, or lacks a topic: start it, then try again
├── AccessRefused      Kafka does not take our login, or our user may not do this: an operator must act
└── NotDelivered       a publisher's events that Kafka did not acknowledge in time
"""

from typing import Final

LOGIN_REMEDY: Final = "correct SIGHTLINE_KAFKA_PROTOCOL, _CA, _USERNAME or _PASSWORD"


class StreamError(Exception):
    """The root of the errors between the topics, those of Sightline's own processes included (`streams.errors`)."""


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
        """The cluster lacks one of our topics, or keeps it from us."""
        return cls(
            f"topic {topic!r} does not exist: run `sightline topics create` "
            "(or this user may not see it: `sightline topics acls` tells who may)"
        )


class AccessRefused(StreamError):
    """Kafka answers, and says no; the message says to what."""

    @classmethod
    def login(cls, bootstrap: str, protocol: str, reason: str) -> "AccessRefused":
        """No broker took us for who we say we are, or was who it should be."""
        return cls(
            f"Kafka at {bootstrap} and this client do not trust each other over {protocol} ({reason}): {LOGIN_REMEDY}"
        )

    @classmethod
    def forbidden(cls, username: str | None, error: BaseException | str) -> "AccessRefused":
        """A user lacks a permission."""
        return cls(f"Kafka does not let user {username!r} do this ({error}): see `sightline topics acls`")


class NotDelivered(StreamError):
    """Events given to a publisher that Kafka did not acknowledge."""
