import pytest

from sightline_client.parsing import EVENT_LIMIT, UPLOAD_LIMIT
from streams.wire.topics import (
    ALL,
    CATALOG,
    DEAD_LETTERS,
    EXPORTS,
    INTERACTIONS,
    ITEMS,
    MODELS,
    PRIVACY,
    RECOMMENDATIONS,
    STEPS,
    UPLOADS,
    Topic,
)


def test_the_topics_are_those_that_others_rely_on() -> None:
    assert {topic.name: topic.config["cleanup.policy"] for topic in ALL} == {
        "events.interactions": "delete",
        "events.uploads": "delete",
        "events.items": "delete",
        "events.privacy": "delete",
        "recommendations": "compact,delete",
        "state.catalog": "compact",
        "state.signals": "delete",
        "state.steps": "delete",
        "state.examples": "delete",
        "state.models": "compact",
        "privacy.receipts": "delete",
        "privacy.exports": "compact,delete",
        "trends": "compact,delete",
        "dead-letters": "delete",
    }


@pytest.mark.parametrize("topic", [INTERACTIONS, UPLOADS, ITEMS, PRIVACY], ids=lambda topic: topic.name)
def test_events_carry_the_brokers_clock(topic: Topic) -> None:
    assert topic.config["message.timestamp.type"] == "LogAppendTime"


def test_interactions_are_kept_for_a_week() -> None:
    assert INTERACTIONS.config["retention.ms"] == "604800000"


def test_steps_are_kept_no_longer_than_the_events_that_they_come_from() -> None:
    assert STEPS.config["retention.ms"] == INTERACTIONS.config["retention.ms"]


def test_recommendations_are_kept_for_three_days() -> None:
    assert RECOMMENDATIONS.config["retention.ms"] == "259200000"


@pytest.mark.parametrize("topic", [RECOMMENDATIONS, CATALOG, MODELS, EXPORTS], ids=lambda topic: topic.name)
def test_what_a_compacted_topic_no_longer_says_is_gone_after_a_day(topic: Topic) -> None:
    assert topic.config["max.compaction.lag.ms"] == "86400000"


def test_the_catalogue_is_kept_for_good() -> None:
    assert "retention.ms" not in CATALOG.config


def test_the_largest_event_that_is_read_can_also_be_written() -> None:
    headroom = 4096
    assert int(INTERACTIONS.config["max.message.bytes"]) > EVENT_LIMIT + headroom
    assert int(UPLOADS.config["max.message.bytes"]) > UPLOAD_LIMIT + headroom


def test_the_largest_upload_fits_into_a_dead_letter_in_base64() -> None:
    assert int(DEAD_LETTERS.config["max.message.bytes"]) > UPLOAD_LIMIT * 4 / 3 + 4096
