"""Reads topics as Kafka has them, for the comparison with what we need (streams/wire/promises.py)."""

from collections.abc import Collection
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType  # type: ignore[import-untyped]  # ships no types

from streams.errors import BrokerUnavailable
from streams.wire.promises import SETTINGS, TopicFacts

#: Errors of a topic's metadata: no such topic, or none that this user may see.
_ABSENT = (3, 29)


def read_topic_facts(admin: Any, names: Collection[str]) -> dict[str, TopicFacts]:
    """The facts of those of these topics that exist and that this user may see: two small requests.

    `admin` is kafka-python's client; its errors pass through. Raises BrokerUnavailable while a topic is being created.
    """
    described = {each["name"]: each for each in admin.describe_topics(sorted(names))}
    for name, each in described.items():
        if each["error_code"] not in (0, *_ABSENT):
            raise BrokerUnavailable(f"Kafka does not describe {name} (error {each['error_code']}): try again")
    found = {name: each for name, each in described.items() if not each["error_code"]}
    settings = _settings(admin, found)
    return {
        name: TopicFacts(
            str(each["topic_id"]),
            len(each["partitions"]),
            min((len(one["replica_nodes"]) for one in each["partitions"]), default=0),
            settings.get(name),
        )
        for name, each in found.items()
    }


def _settings(admin: Any, names: Collection[str]) -> dict[str, dict[str, str]]:
    """The settings that are compared, by topic; a topic whose settings this user may not see has none."""
    if not names:
        return {}
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name, list(SETTINGS)) for name in names]
    answer = admin.describe_configs(wanted, config_filter="all").get("topic", {})
    return {name: {key: one["value"] for key, one in entries.items()} for name, entries in answer.items() if entries}
