"""What the services must promise: the one table of requirements, and how what was found compares with it.

`topics create` makes topics by `streams.wire.topics`; the rules here say which differences matter, and how much.
Worker start, the watch of a running worker, `topics check` and `doctor` all judge by them (docs/adr/0018).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from state.redis_facts import RedisFacts
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.topics import DAY_MS, Topic

Kind = Literal[
    "missing",
    "recreated",
    "partitions",
    "timestamp_type",
    "cleanup_policy",
    "retention",
    "message_size",
    "compaction",
    "eviction",
    "persistence",
    "version",
    "unknown",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

#: Events that wait longer than this are lost: workers may be away for a night.
SHORTEST_RETENTION_MS: Final = DAY_MS
#: The first version of Redis with Functions.
OLDEST_REDIS: Final = 7


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that a service does not keep. `text` says what was found, what is wanted, and what to do.

    A dangerous one makes wrong results or loses records: a worker does not start, or is not ready. Any other is unwise:
    the system works, and people should know.
    """

    subject: str
    kind: Kind
    text: str
    dangerous: bool = True

    def __str__(self) -> str:
        return f"{self.subject} {self.text}"


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic as Kafka has it; `settings` are None where this user may not see them."""

    topic_id: str
    partitions: int
    replicas: int
    settings: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class _Rule:
    """How a topic's setting is compared: whether `found` is as good as `wanted`, and whether it is dangerous if not."""

    kind: Kind
    keeps: Callable[[str, str], bool]
    dangerous: Callable[[Topic, str], bool]


def _words(value: str) -> set[str]:
    """The words of a setting: `compact,delete` and `delete,compact` are the same policy."""
    return set(value.split(","))


def _at_least(found: str, wanted: str) -> bool:
    """Whether a number is large enough; -1 is without limit."""
    return float(found) < 0 or float(found) >= float(wanted)


def _at_most(found: str, wanted: str) -> bool:
    return float(found) <= float(wanted)


def _always(_topic: Topic, _found: str) -> bool:
    return True


def _never(_topic: Topic, _found: str) -> bool:
    return False


def _removes_more(topic: Topic, found: str) -> bool:
    """Whether a policy removes records that the wanted one keeps."""
    return bool(_words(found) - _words(topic.config["cleanup.policy"]))


def _holds_up(topic: Topic, _found: str) -> bool:
    """Whether records that a topic does not take are missing in the state; an answer becomes a dead letter."""
    return topic not in (topics.RECOMMENDATIONS, *topics.LEARNING, *topics.NEVER_AWAITED)


def _forgets_unread(topic: Topic, found: str) -> bool:
    """Whether records of a topic that workers read may be gone before they are read."""
    return topic in _READ_BY_WORKERS and float(found) < SHORTEST_RETENTION_MS


_READ_BY_WORKERS: Final = (topics.INTERACTIONS, topics.UPLOADS, topics.ITEMS, topics.PRIVACY, topics.SIGNALS)

#: The rule of each setting that a topic's definition may hold.
_RULES: Final[dict[str, _Rule]] = {
    "message.timestamp.type": _Rule("timestamp_type", lambda found, wanted: found == wanted, _always),
    "cleanup.policy": _Rule("cleanup_policy", lambda found, wanted: _words(found) == _words(wanted), _removes_more),
    "retention.ms": _Rule("retention", _at_least, _forgets_unread),
    # How long so many bytes last depends on the load, so it is not known whether that is enough.
    "retention.bytes": _Rule("retention", lambda found, _: float(found) < 0, _never),
    "max.message.bytes": _Rule("message_size", _at_least, _holds_up),
    # Who does not read a tombstone in this time keeps a deleted item for ever.
    "delete.retention.ms": _Rule("retention", _at_least, _always),
    "min.cleanable.dirty.ratio": _Rule("compaction", _at_most, _never),
    "max.compaction.lag.ms": _Rule("compaction", _at_most, _never),
}
#: The settings to ask Kafka for.
SETTINGS: Final = tuple(_RULES)


def broken_by_topics(
    found: Mapping[str, TopicFacts], namespace: Namespace, partitions: int, *, username: str | None = None
) -> list[Broken]:
    """Compare the topics of an app with their definitions; `found` has those that exist, by their names in Kafka."""
    broken: list[Broken] = []
    for topic in topics.ALL:
        name = namespace.topic(topic)
        facts = found.get(name)
        if facts is None:
            dangerous = topic not in (*topics.LEARNING, *topics.NEVER_AWAITED)
            broken.append(Broken(name, "missing", _missing(username), dangerous=dangerous))
            continue
        if facts.partitions != topic.count(partitions):
            broken.append(_wrong_count(topic, name, facts.partitions, partitions, _counts(found, namespace)))
        broken += _broken_settings(topic, name, facts.settings, username)
    return broken


def _broken_settings(topic: Topic, name: str, settings: Mapping[str, str] | None, username: str | None) -> list[Broken]:
    if settings is None:
        return [Broken(name, "unknown", _hidden(username), dangerous=False)]
    return [
        Broken(name, rule.kind, _wrong_setting(name, key, found, wanted, dangerous=dangerous), dangerous=dangerous)
        for key, wanted in topic.requirements.items()
        if (found := settings.get(key)) is not None and not (rule := _RULES[key]).keeps(found, wanted)
        for dangerous in (rule.dangerous(topic, found),)
    ]


def recreated(first: Mapping[str, str], now: Mapping[str, str], namespace: Namespace) -> list[Broken]:
    """Name the topics that have another id than at first; no worker keeps what it knows of one that it only writes."""
    text = (
        "was deleted and created again while this worker ran: what the worker knows of it is out of date. Restart the "
        "workers; they refuse to start if the state must be made again with `sightline rebuild`"
    )
    read = set(map(namespace.topic, (*_READ_BY_WORKERS, topics.CATALOG)))
    return [
        Broken(name, "recreated", text)
        for name, found in now.items()
        if name in read and found != first.get(name, found)
    ]


def broken_by_redis(servers: Sequence[RedisFacts]) -> list[Broken]:
    """Judge what every Redis server says of itself."""
    return [each for server in servers for each in _broken_by_server(server)]


def _broken_by_server(server: RedisFacts) -> list[Broken]:
    name = f"Redis at {server.address}"
    broken: list[Broken] = []
    major = (server.version or "").partition(".")[0]
    if major.isdigit() and int(major) < OLDEST_REDIS:
        text = f"is version {server.version}, not {OLDEST_REDIS} or later, which has Functions: update it"
        broken.append(Broken(name, "version", text))
    if server.eviction is None:
        text = (
            "does not say its maxmemory-policy: make sure that it is noeviction, or let its user call INFO "
            "(docs/security.md), since an evicted profile is a user who begins anew"
        )
        broken.append(Broken(name, "unknown", text, dangerous=False))
    elif server.eviction != "noeviction":
        text = (
            f"has maxmemory-policy={server.eviction}, not noeviction: when its memory is full it deletes profiles, and "
            "users begin anew; set it with CONFIG SET maxmemory-policy noeviction, also in its configuration file or "
            "in its provider's settings, then run `sightline verify`"
        )
        broken.append(Broken(name, "eviction", text))
    if server.append_only is False:
        text = (
            "has appendonly=no, not yes: a restart loses what it wrote since its last snapshot, and what Kafka no "
            "longer retains cannot be made again; set it with CONFIG SET appendonly yes, also in its configuration file"
        )
        broken.append(Broken(name, "persistence", text, dangerous=False))
    return broken


def _missing(username: str | None) -> str:
    unseen = f" (or user {username!r} may not see it: `sightline topics acls`)" if username else ""
    return f"is missing: run `sightline topics create`{unseen}"


def _counts(found: Mapping[str, TopicFacts], namespace: Namespace) -> set[int]:
    """The numbers of partitions of the topics that have as many as the setting says."""
    names = {namespace.topic(topic) for topic in topics.ALL if topic.partitions is None}
    return {facts.partitions for name, facts in found.items() if name in names}


def _wrong_count(topic: Topic, name: str, found: int, wanted: int, counts: set[int]) -> Broken:
    if topic.partitions is not None:
        text = f"has {found} partitions, not {topic.partitions}: no worker uses the others"
        return Broken(name, "partitions", text, dangerous=False)
    return Broken(name, "partitions", _other_count(found, wanted, counts))


def _other_count(found: int, wanted: int, counts: set[int]) -> str:
    text = f"has {found} partitions, not {wanted}: "
    if len(counts) == 1:
        # All topics agree, so it is the setting that differs.
        text += f"set SIGHTLINE_PARTITIONS={found} if they were created so. "
    return text + (
        "A key's partition depends on the count, so partitions added to topics in use leave users without "
        f"their profiles: `sightline topics grow {max(found, wanted)}` says how to move to more"
    )


def _hidden(username: str | None) -> str:
    return f"keeps its settings from user {username!r}: `sightline topics acls` says who may see them"


def _wrong_setting(topic: str, key: str, found: str, wanted: str, *, dangerous: bool) -> str:
    unless = "" if dangerous else "unless that is intended, "
    return (
        f"has {key}={found}, not {wanted}: {unless}set it with "
        f"kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config {key}=[{wanted}]"
    )
