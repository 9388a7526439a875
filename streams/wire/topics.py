"""Every topic: its name, key, configuration and what it is about."""

from dataclasses import dataclass

from sightline_client import topics as public

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic:
    """One Kafka topic as `sightline topics create` makes it and `topics check` expects it."""

    name: str
    key: str
    config: dict[str, str]
    about: str


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
SIGNALS = Topic("state.signals", "item_id", _deleted_after(1), "internal: whatever concerns one item, in one order")
RECEIPTS = Topic(public.RECEIPTS, "hash of user_id", _deleted_after(400), "what was erased, with counts")
EXPORTS = Topic(
    public.EXPORTS,
    "hash of user_id",
    {"cleanup.policy": "compact,delete", "retention.ms": str(DAY_MS), **_ERASED},
    "the profile of a user who asked for it, and the items that the user owns",
)
DEAD_LETTERS = Topic(
    "dead-letters",
    "source key",
    _deleted_after(14, max_bytes=3 << 20),
    "refused messages, with their original bytes",
)

#: What single users asked for. A missing topic of these holds up nobody else (docs/adr/0017).
ANSWERS = (RECEIPTS, EXPORTS)

ALL = (INTERACTIONS, UPLOADS, ITEMS, PRIVACY, RECOMMENDATIONS, CATALOG, SIGNALS, RECEIPTS, EXPORTS, DEAD_LETTERS)
