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
    """Kafka cannot be used now; the message says what to do."""

    @classmethod
    def no_answer(cls, bootstrap: str, error: BaseException) -> "BrokerUnavailable":
        """Make the error for an address at which no broker answers."""
        return cls(
            f"no Kafka answers at {bootstrap} ({error}): "
            "start one with `sightline up`, or set SIGHTLINE_KAFKA to the address of your own"
        )

    @classmethod
    def no_topic(cls, topic: str) -> "BrokerUnavailable":
        """Make the error for a topic that does not exist or is hidden from this user."""
        return cls(
            f"topic {topic!r} does not exist: run `sightline topics create` "
            "(or this user may not see it: `sightline topics acls` lists the permissions)"
        )


class AccessRefused(StreamError):
    """Kafka refuses the login or the operation; the message says which."""

    @classmethod
    def login(cls, bootstrap: str, protocol: str, reason: str) -> "AccessRefused":
        """Make the error for a failed login or TLS handshake."""
        return cls(
            f"login or TLS handshake with Kafka at {bootstrap} over {protocol} failed ({reason}): {LOGIN_REMEDY}"
        )

    @classmethod
    def forbidden(cls, username: str | None, error: BaseException | str) -> "AccessRefused":
        """Make the error for a missing permission."""
        return cls(f"Kafka does not let user {username!r} do this ({error}): see `sightline topics acls`")


class NotDelivered(StreamError):
    """Kafka did not acknowledge events of a publisher."""
