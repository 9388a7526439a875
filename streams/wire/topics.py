"""Every topic: its name, key, configuration and what it is about."""

from collections.abc import Mapping
from dataclasses import dataclass

from sightline_client import topics as public

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic:
    """One Kafka topic as `sightline topics create` makes it. How much a difference matters: streams/wire/promises.py.

    `murmur2`: every record with a key lies in the partition that murmur2 of the key gives, and readers rely on it.
    `partitions`: their number where it is the same for every app; None: SIGHTLINE_PARTITIONS.
    """

    name: str
    key: str
    config: dict[str, str]
    about: str
    murmur2: bool = True
    partitions: int | None = None

    def count(self, partitions: int) -> int:
        """The number of partitions in an app whose setting is `partitions`."""
        return self.partitions or partitions

    @property
    def requirements(self) -> Mapping[str, str]:
        """The settings that the topic needs, also those that `topics create` leaves to the broker."""
        return {"max.message.bytes": str(_BATCH_BYTES), "retention.bytes": "-1"} | self.config

    @property
    def broker_time(self) -> bool:
        """Whether the topic promises that the broker's clock gives the time of each record."""
        return self.config.get("message.timestamp.type") == "LogAppendTime"


#: It counts for batches, packed as they come: librdkafka fills one with 1,000,000 bytes under load and gives all of it
#: up where that is too much. So a topic takes that, however small its events; each event's own limit is its reader's.
_BATCH_BYTES = 1 << 20


def _deleted_after(days: int, *, broker_time: bool = False, max_bytes: int = _BATCH_BYTES) -> dict[str, str]:
    config = {
        "cleanup.policy": "delete",
        "retention.ms": str(days * DAY_MS),
        "max.message.bytes": str(max_bytes),
    }
    if broker_time:
        # Latency and clamped times are measured from the broker's clock, never from a publisher's.
        config["message.timestamp.type"] = "LogAppendTime"
    return config


#: What a compacted topic no longer says is gone from its disks a day later, however little is written to it.
_ERASED = {"max.compaction.lag.ms": str(DAY_MS)}

#: So long a compacted topic tells of what was deleted.
TOMBSTONES_KEPT_MS = DAY_MS

INTERACTIONS = Topic(
    public.INTERACTIONS,
    "user_id",
    _deleted_after(7, broker_time=True),
    "click, view and every other interaction",
)
UPLOADS = Topic(
    public.UPLOADS,
    "item_id (query: user_id)",
    _deleted_after(7, broker_time=True, max_bytes=public.MESSAGE_LIMIT),
    "a new picture, or a picture to search with",
)
ITEMS = Topic(public.ITEMS, "item_id", _deleted_after(7, broker_time=True), "price, stock, hidden, text, deletion")
PRIVACY = Topic(
    public.PRIVACY,
    "user_id",
    _deleted_after(30, broker_time=True),
    "forget, export, reset, opt-out, preferences",
)
RECOMMENDATIONS = Topic(
    public.RECOMMENDATIONS,
    "user_id",
    {"cleanup.policy": "compact,delete", "retention.ms": str(3 * DAY_MS), **_ERASED},
    "the refreshed list of a user, or the answer to a picture query",
)
CATALOG = Topic(
    "state.catalog",
    "item_id",
    {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.1",
        "delete.retention.ms": str(TOMBSTONES_KEPT_MS),
        **_ERASED,
    },
    "the whole item, embedding included; a tombstone means gone",
)
SIGNALS = Topic(
    "state.signals",
    "item_id",
    _deleted_after(1),
    "internal: whatever concerns one item, in one order",
    # Its partition follows from the hash by which the state knows an item (state/signals.py).
    murmur2=False,
)
STEPS = Topic(
    "state.steps",
    "none",
    # As long as the events that the steps come from: a longer time would keep more of a user than those do.
    _deleted_after(7),
    "internal: what users chose, and who was forgotten, for the lists of all workers",
    # Its partition is that of the events (streams/wire/steps.py).
    murmur2=False,
)
EXAMPLES = Topic(
    "state.examples",
    "partition of events.interactions",
    _deleted_after(1),
    "internal: what users did after a list, which the learning worker learns",
    # One learner sees all lessons, in one order.
    partitions=1,
)
MODELS = Topic(
    "state.models",
    "name of the model",
    {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", **_ERASED},
    "internal: the last version of the ranker that learns, and how far it has read state.examples",
    partitions=1,
)
RECEIPTS = Topic(public.RECEIPTS, "hash of user_id", _deleted_after(400), "what was erased, with counts")
EXPORTS = Topic(
    public.EXPORTS,
    "hash of user_id",
    {"cleanup.policy": "compact,delete", "retention.ms": str(DAY_MS), **_ERASED},
    "the profile of a user who asked for it, and the items that the user owns",
)
TRENDS = Topic(
    public.TRENDS,
    "kind: looks, categories or colours",
    {"cleanup.policy": "compact,delete", "retention.ms": str(30 * DAY_MS), **_ERASED},
    "what rises: looks, categories and colours that users choose more in the last hour than before",
    partitions=1,
    # Three records, which readers take all.
    murmur2=False,
)
DEAD_LETTERS = Topic(
    "dead-letters",
    "source key",
    _deleted_after(14, max_bytes=3 << 20),
    "refused messages, with their original bytes",
    # They are found by partition and offset, never by key.
    murmur2=False,
)

#: What single users asked for. A missing topic of these holds up nobody else (docs/adr/0017).
ANSWERS = (RECEIPTS, EXPORTS)
#: Where these are missing or take too little, nobody else waits: what was meant for them is told (docs/adr/0017).
NEVER_AWAITED = (*ANSWERS, STEPS, TRENDS, DEAD_LETTERS)
#: Without these the lists are made as well as before; only the learning worker needs them (docs/adr/0027).
LEARNING = (EXAMPLES, MODELS)

ALL = (
    INTERACTIONS,
    UPLOADS,
    ITEMS,
    PRIVACY,
    RECOMMENDATIONS,
    CATALOG,
    SIGNALS,
    STEPS,
    *LEARNING,
    RECEIPTS,
    EXPORTS,
    TRENDS,
    DEAD_LETTERS,
)
