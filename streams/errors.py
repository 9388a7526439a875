"""What can go wrong between the topics: the errors of apps (`sightline_client.errors`), and those of our processes.

StreamError
├── InvalidEvent       never retried: the message goes to the dead letters with `reason`
│   └── NothingSaid    the message is sound and changes nothing: it is counted by `reason`, and nothing is kept of it
├── BrokerUnavailable  Kafka does not answer, or lacks a topic: start it, then try again
├── AccessRefused      Kafka does not take our login, or our user may not do this: an operator must act
├── NotDelivered       a publisher's events that Kafka did not acknowledge in time
├── LogMismatch        a topic does not continue the state that was made from it: an operator must decide
├── PromiseBroken      a topic or Redis is not as we need it: nothing starts until an operator mends it
├── CannotVerify       log and state cannot be compared as they are; the message says why, and what to do
├── CannotGrow         an app cannot move to more partitions as asked; the message says how it can
├── CannotRebuild      the log is not enough to make the state from, or somebody else is at it
├── WorkersRun         workers are running that must be stopped first
├── NoSuchLetter       an address at which no dead letter lies
└── PublishFailed      Kafka refuses messages of a worker: dead letters, or waiting for an operator (docs/adr/0017)

SettingsError          the environment is unusable: nothing starts
"""

from sightline_client.errors import (
    LOGIN_REMEDY,
    AccessRefused,
    BrokerUnavailable,
    InvalidEvent,
    NotDelivered,
    StreamError,
)

__all__ = [
    "LOGIN_REMEDY",
    "AccessRefused",
    "BrokerUnavailable",
    "CannotGrow",
    "CannotRebuild",
    "CannotVerify",
    "InvalidEvent",
    "LogMismatch",
    "NoSuchLetter",
    "NotDelivered",
    "NothingSaid",
    "PromiseBroken",
    "PublishFailed",
    "SettingsError",
    "StreamError",
    "WorkersRun",
]


class SettingsError(ValueError):
    """The environment holds values that cannot be used; the message names every one of them."""


class NothingSaid(InvalidEvent):
    """A message that changes nothing, such as a tombstone; `reason` is its outcome in `sightline_events_total`."""


class LogMismatch(StreamError):
    """The topic does not continue the stored state, so its records cannot be applied; the message says what to do."""


class PromiseBroken(StreamError):
    """A service is not as a worker or a command needs it; a line for each difference says what to do."""


class CannotVerify(StreamError):
    """The log and the state cannot be compared; the message says why and what to do."""


class CannotGrow(StreamError):
    """The topics cannot get this number of partitions as asked; the message says what would break, and how it works."""


class CannotRebuild(StreamError):
    """The state cannot be rebuilt; the message says why and what to do."""


class WorkersRun(StreamError):
    """Workers are running that must be stopped first; the message says which."""


class NoSuchLetter(StreamError):
    """There is no dead letter at the given address."""


class PublishFailed(StreamError):
    """Kafka refuses messages; from a worker's publisher it means that this process can publish nothing any more."""
