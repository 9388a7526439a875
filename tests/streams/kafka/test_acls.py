import pytest

from state.redis_login import COMMANDS
from streams.kafka.acls import ROLES, Role, grants
from streams.wire import topics
from streams.wire.namespace import Namespace
from tests.harness.paths import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()


def test_a_publisher_may_write_events_alone() -> None:
    [grant] = grants("publisher", Namespace())
    assert grant.operation == "Write"
    assert set(grant.names) == {"events.interactions", "events.uploads", "events.items"}


def test_a_feed_service_may_read_lists_and_trends_alone() -> None:
    assert {grant.names for grant in grants("feed-service", Namespace()) if grant.resource == "topic"} == {
        ("recommendations", "trends")
    }
    assert {grant.operation for grant in grants("feed-service", Namespace())} == {"Read"}


def test_no_app_may_ask_to_forget_a_user() -> None:
    writers = {role for role in ROLES for grant in grants(role, Namespace()) if "events.privacy" in grant.names}
    assert writers == {"privacy-desk", "web", "worker", "operator"}
    may = {grant.operation for grant in grants("worker", Namespace()) if "events.privacy" in grant.names}
    assert may == {"Read", "DescribeConfigs"}


def test_the_web_door_reads_what_it_tells_and_writes_what_requests_say() -> None:
    may = {grant.operation: set(grant.names) for grant in grants("web", Namespace()) if grant.resource == "topic"}
    assert may["Read"] == {
        *("recommendations", "trends", "privacy.receipts", "privacy.exports", "dead-letters"),
        *("state.catalog", "state.steps", "state.models"),
    }
    assert may["Write"] == {
        *("events.interactions", "events.uploads", "events.items", "events.privacy"),
        "dead-letters",
    }
    # Each topic that it compares with what is needed, it can see.
    assert may["Read"] | may["Write"] | may["Describe"] == may["DescribeConfigs"]
    assert may["DescribeConfigs"] == {topic.name for topic in topics.ALL}
    assert not any(grant.resource == "group" for grant in grants("web", Namespace()))


@pytest.mark.parametrize("role", ROLES)
def test_every_name_begins_with_the_prefix(role: Role) -> None:
    names = [name for grant in grants(role, Namespace("shop.")) for name in grant.names]
    assert all(name.startswith("shop.") for name in names)


def test_an_operator_may_work_on_every_topic() -> None:
    assert set(grants("operator", Namespace())[0].names) == {topic.name for topic in topics.ALL}


def test_the_page_about_security_has_every_grant() -> None:
    assert [c for role in ROLES for grant in grants(role, Namespace()) if (c := grant.command(role)) not in PAGE] == []


def test_the_page_about_security_has_the_user_of_redis() -> None:
    assert f"user worker on >password {COMMANDS}\n" in PAGE
