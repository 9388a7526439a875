from dataclasses import replace

import pytest

from state.redis_facts import RedisFacts
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.promises import Broken, TopicFacts, broken_by_redis, broken_by_topics, recreated
from streams.wire.topics import ALL, DAY_MS, LEARNING, NEVER_AWAITED, Topic

NAMESPACE = Namespace("shop.")
GOOD = {
    NAMESPACE.topic(topic): TopicFacts(f"id of {topic.name}", topic.count(12), 3, dict(topic.requirements))
    for topic in ALL
}
REDIS = RedisFacts("redis:6379", "7.2.4", "noeviction", append_only=True)


def judged(topic: topics.Topic, **settings: str) -> list[Broken]:
    """What is broken where one topic has other settings; `retention_ms` stands for retention.ms."""
    name = NAMESPACE.topic(topic)
    changed = {**(GOOD[name].settings or {}), **{key.replace("_", "."): value for key, value in settings.items()}}
    return broken_by_topics({**GOOD, name: replace(GOOD[name], settings=changed)}, NAMESPACE, 12)


def test_the_topics_that_create_makes_keep_every_promise() -> None:
    assert broken_by_topics(GOOD, NAMESPACE, 12) == []


def test_what_kafka_gives_a_topic_by_default_breaks_these() -> None:
    default = {
        "message.timestamp.type": "CreateTime",
        "cleanup.policy": "delete",
        "retention.ms": "604800000",
        "retention.bytes": "-1",
        "max.message.bytes": "1048588",
        "delete.retention.ms": "86400000",
        "min.cleanable.dirty.ratio": "0.5",
        "max.compaction.lag.ms": "9223372036854775807",
    }
    found = {name: replace(facts, settings=default) for name, facts in GOOD.items()}
    broken = broken_by_topics(found, NAMESPACE, 12)
    assert {(each.subject.removeprefix("shop."), each.kind) for each in broken if each.dangerous} == {
        ("events.interactions", "timestamp_type"),
        ("events.uploads", "timestamp_type"),
        ("events.items", "timestamp_type"),
        ("events.privacy", "timestamp_type"),
        ("events.uploads", "message_size"),
        ("state.catalog", "cleanup_policy"),
        ("state.models", "cleanup_policy"),
    }
    assert {(each.subject.removeprefix("shop."), each.kind) for each in broken if not each.dangerous} == {
        ("events.privacy", "retention"),
        ("privacy.receipts", "retention"),
        ("dead-letters", "retention"),
        ("dead-letters", "message_size"),
        ("recommendations", "cleanup_policy"),
        ("recommendations", "compaction"),
        ("privacy.exports", "cleanup_policy"),
        ("privacy.exports", "compaction"),
        ("trends", "cleanup_policy"),
        ("trends", "retention"),
        ("trends", "compaction"),
        ("state.catalog", "compaction"),
        ("state.models", "compaction"),
    }


@pytest.mark.parametrize(
    ("topic", "setting", "value", "dangerous"),
    [
        (topics.INTERACTIONS, "message_timestamp_type", "CreateTime", True),
        (topics.INTERACTIONS, "cleanup_policy", "compact", True),
        (topics.INTERACTIONS, "cleanup_policy", "compact,delete", True),
        (topics.CATALOG, "cleanup_policy", "compact,delete", True),
        (topics.RECOMMENDATIONS, "cleanup_policy", "compact", False),
        (topics.INTERACTIONS, "retention_ms", str(DAY_MS - 1), True),
        (topics.INTERACTIONS, "retention_ms", str(DAY_MS), False),
        (topics.SIGNALS, "retention_ms", str(DAY_MS - 1), True),
        (topics.RECEIPTS, "retention_ms", "1", False),
        (topics.INTERACTIONS, "retention_bytes", "1000000000", False),
        (topics.CATALOG, "max_message_bytes", "1048575", True),
        (topics.EXPORTS, "max_message_bytes", "1048575", False),
        (topics.CATALOG, "delete_retention_ms", "1000", True),
        (topics.CATALOG, "min_cleanable_dirty_ratio", "0.5", False),
    ],
)
def test_a_setting_that_is_not_enough_is_named(topic: topics.Topic, setting: str, value: str, dangerous: bool) -> None:
    (broken,) = judged(topic, **{setting.replace("cleanable_dirty", "cleanable.dirty"): value})
    assert (broken.subject, broken.dangerous) == (f"shop.{topic.name}", dangerous)
    assert f"has {setting.replace('_', '.')}={value}, not " in broken.text
    assert f"kafka-configs.sh --alter --entity-type topics --entity-name shop.{topic.name} --add-config" in broken.text


@pytest.mark.parametrize(
    ("topic", "setting", "value"),
    [
        (topics.INTERACTIONS, "retention_ms", "-1"),
        (topics.INTERACTIONS, "retention_ms", str(30 * DAY_MS)),
        (topics.DEAD_LETTERS, "max_message_bytes", "8388608"),
        (topics.RECOMMENDATIONS, "cleanup_policy", "delete,compact"),
        (topics.CATALOG, "min_cleanable_dirty_ratio", "0.01"),
    ],
)
def test_more_than_is_needed_is_no_difference(topic: topics.Topic, setting: str, value: str) -> None:
    assert judged(topic, **{setting: value}) == []


def test_partitions_added_to_one_topic_are_dangerous_and_the_setting_is_not_to_blame() -> None:
    name = "shop.events.interactions"
    (broken,) = broken_by_topics({**GOOD, name: replace(GOOD[name], partitions=24)}, NAMESPACE, 12)
    assert (broken.subject, broken.kind, broken.dangerous) == (name, "partitions", True)
    assert broken.text.startswith("has 24 partitions, not 12: ")
    assert "`sightline topics grow 24`" in broken.text
    assert "SIGHTLINE_PARTITIONS" not in broken.text


def test_the_setting_of_the_grown_topic_names_the_others() -> None:
    name = "shop.events.interactions"
    broken = broken_by_topics({**GOOD, name: replace(GOOD[name], partitions=24)}, NAMESPACE, 24)
    others = {NAMESPACE.topic(topic) for topic in ALL if topic.partitions is None} - {name}
    assert {each.subject for each in broken} == others


def test_topics_that_agree_are_another_setting() -> None:
    found = {name: replace(facts, partitions=min(facts.partitions, 6)) for name, facts in GOOD.items()}
    assert {each.text.partition(". ")[0] for each in broken_by_topics(found, NAMESPACE, 12)} == {
        "has 6 partitions, not 12: set SIGHTLINE_PARTITIONS=6 if they were created so"
    }


def test_further_partitions_of_a_topic_that_has_one_are_unwise() -> None:
    name = "shop.state.models"
    (broken,) = broken_by_topics({**GOOD, name: replace(GOOD[name], partitions=12)}, NAMESPACE, 12)
    assert (broken.kind, broken.dangerous) == ("partitions", False)
    assert broken.text == "has 12 partitions, not 1: no worker uses the others"


def test_a_missing_topic_is_dangerous() -> None:
    found = {name: facts for name, facts in GOOD.items() if name != "shop.state.signals"}
    assert broken_by_topics(found, NAMESPACE, 12) == [
        Broken("shop.state.signals", "missing", "is missing: run `sightline topics create`")
    ]


@pytest.mark.parametrize("topic", [*LEARNING, *NEVER_AWAITED], ids=lambda topic: topic.name)
def test_a_missing_topic_that_nobody_waits_for_is_unwise(topic: Topic) -> None:
    found = {name: facts for name, facts in GOOD.items() if name != NAMESPACE.topic(topic)}
    (broken,) = broken_by_topics(found, NAMESPACE, 12)
    assert (broken.kind, broken.dangerous) == ("missing", False)


def test_settings_that_may_not_be_seen_are_unknown_and_no_danger() -> None:
    found = {name: replace(facts, settings=None) for name, facts in GOOD.items()}
    broken = broken_by_topics(found, NAMESPACE, 12, username="worker")
    assert {(each.kind, each.dangerous) for each in broken} == {("unknown", False)}
    assert "`sightline topics acls`" in broken[0].text


def test_a_topic_created_again_is_named() -> None:
    events, signals, trends = "shop.events.items", "shop.state.signals", "shop.trends"
    first = {events: "1", signals: "2"}
    now = {events: "1", signals: "9", trends: "3"}
    assert [each.subject for each in recreated(first, now, NAMESPACE)] == [signals]
    assert recreated(first, {events: "1"}, NAMESPACE) == []


def test_a_topic_created_again_that_workers_only_write_is_as_good_as_the_one_before() -> None:
    written = [NAMESPACE.topic(topic) for topic in (topics.RECOMMENDATIONS, *NEVER_AWAITED)]
    assert recreated(dict.fromkeys(written, "1"), dict.fromkeys(written, "2"), NAMESPACE) == []


def test_a_redis_that_evicts_nothing_and_logs_its_writes_is_good() -> None:
    assert broken_by_redis([REDIS]) == []


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"])
def test_a_redis_that_evicts_is_dangerous(policy: str) -> None:
    (broken,) = broken_by_redis([replace(REDIS, eviction=policy)])
    assert (broken.kind, broken.dangerous) == ("eviction", True)
    assert str(broken).startswith(f"Redis at redis:6379 has maxmemory-policy={policy}, not noeviction: ")
    assert "CONFIG SET maxmemory-policy noeviction" in broken.text


def test_a_redis_without_a_log_of_its_writes_is_unwise() -> None:
    (broken,) = broken_by_redis([replace(REDIS, append_only=False)])
    assert (broken.kind, broken.dangerous) == ("persistence", False)


def test_a_redis_that_says_nothing_is_unknown() -> None:
    (broken,) = broken_by_redis([RedisFacts("redis:6379", None, None, None)])
    assert (broken.kind, broken.dangerous) == ("unknown", False)


def test_an_old_redis_is_refused() -> None:
    (broken,) = broken_by_redis([replace(REDIS, version="6.2.14")])
    assert (broken.kind, broken.dangerous) == ("version", True)


def test_each_master_of_a_cluster_is_judged() -> None:
    servers = [REDIS, replace(REDIS, address="b:6379", eviction="volatile-lru")]
    assert [each.subject for each in broken_by_redis(servers)] == ["Redis at b:6379"]
