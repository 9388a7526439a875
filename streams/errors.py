"""What can go wrong between the topics.

StreamError
├── InvalidEvent       never retried: the message goes to the dead letters with `reason`
├── BrokerUnavailable  Kafka does not answer, or lacks a topic: start it, then try again
├── AccessRefused      Kafka does not take our login, or our user may not do this: an operator must act
├── NotDelivered       a publisher's events that Kafka did not acknowledge in time
├── LogMismatch        a topic does not continue the state that was made from it: an operator must decide
├── CannotVerify       log and state cannot be compared as they are; the message says why, and what to do
├── CannotRebuild      the log is not enough to make the state from, or somebody else is at it
├── NoSuchLetter       an address at which no dead letter lies
└── PublishFailed      the broker refused a worker's message for good: the process ends, and replays when restarted

SettingsError          the environment is unusable: nothing starts
"""

from typing import Final

LOGIN_REMEDY: Final = "correct SIGHTLINE_KAFKA_PROTOCOL, _CA, _USERNAME or _PASSWORD"


class SettingsError(ValueError):
    """The environment holds values that cannot be used; the message names every one of them."""


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


class LogMismatch(StreamError):
    """Applying what the topic holds would give a state that no log explains; the message says what to do."""


class CannotVerify(StreamError):
    """The log and the state do not belong together, or moved in a way that nothing can be said."""


class CannotRebuild(StreamError):
    """The state cannot be made anew as asked; the message says why, and what to do."""


class NoSuchLetter(StreamError):
    """No dead letter lies at the address that was given."""


class PublishFailed(StreamError):
    """The broker will never take a message of ours: wrong topic, size or permission."""
