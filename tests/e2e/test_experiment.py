"""An experiment from the setting to the report, on real services and a real worker."""

from typing import Any

import msgspec
import pytest

from deploy.workers import Workers
from state.codec import encode_item
from streams.experiment_setting import read_experiment
from streams.wire.events import Interaction, Recommendations, encode
from tests.cli.conftest import last_json, run
from tests.e2e.conftest import System, eventually, variables_of
from tests.harness.catalog import DIMENSIONS, NOW, reds_and_blues

pytestmark = pytest.mark.stack

SETTING = "looks-1;control:50;popular:50:ranker=popular"
USERS = [f"user-{number}" for number in range(80)]


def arm_of(user: str) -> str:
    experiment = read_experiment(SETTING)
    assert experiment is not None
    return experiment.arm_of(user).name


def publish(system: System, *events: Interaction) -> None:
    producer = system.producer()
    for event in events:
        producer.produce(system.topic("events.interactions"), key=event.user_id.encode(), value=encode(event))
    assert producer.flush(30) == 0


def feeds(system: System) -> dict[str, Recommendations]:
    """The newest list of each user."""
    found = [
        msgspec.json.decode(record.value or b"", type=Recommendations) for record in system.read("recommendations")
    ]
    return {each.user_id: each for each in sorted(found, key=lambda each: each.seq)}


def event(user: str, kind: str, item_id: str, rec_id: str | None = None, **more: Any) -> Interaction:
    name = f"{user}-{kind}-{item_id}"
    return msgspec.convert(
        {"event_id": name, "type": kind, "user_id": user, "item_id": item_id, "rec_id": rec_id, "occurred_at_ms": NOW}
        | more,
        Interaction,
    )


def test_two_arms_get_their_lists_and_the_report_tells_what_came_of_them(system: System) -> None:
    changes = {"experiment": SETTING, "dimensions": DIMENSIONS, "list_length": 5}
    producer = system.producer()
    for _, item in reds_and_blues(8):
        assert item is not None
        producer.produce(system.topic("state.catalog"), key=item.item_id.encode(), value=encode_item(item))
    assert producer.flush(30) == 0
    Workers(system.settings.model_copy(update=changes), system.stack.endpoints).start_all(["interactions"])
    publish(system, *(event(user, "click", "red-0") for user in USERS))
    eventually(lambda: len(feeds(system)) == len(USERS), "each user has a list")

    lists = feeds(system)
    arms = {user: each.experiment.arm for user, each in lists.items() if each.experiment is not None}
    assert arms == {user: arm_of(user) for user in USERS}
    assert {(arms[user], each.model["ranker"]) for user, each in lists.items()} == {
        ("control", "weighted@2"),
        ("popular", "popular@2"),
    }
    for number, user in enumerate(USERS):
        rec_id, slots = lists[user].rec_id, [slot.item_id for slot in lists[user].items[:3]]
        clicks = slots[: number % 3] if arms[user] == "popular" else []
        publish(
            system,
            *(event(user, "view", slot, rec_id) for slot in slots),
            *(event(user, "click", slot, rec_id) for slot in clicks),
            event(user, "like", slots[0], rec_id),
        )

    variables = variables_of(system) | {"experiment": SETTING, "dimensions": str(DIMENSIONS), "list_length": "5"}
    reported = run("experiment", "report", "--since", "1h", "--json", variables=variables)
    assert reported.returncode == 0, reported.stderr
    found = last_json(reported)
    control, popular = found["arms"]
    assert (found["experiment"], found["misplaced_lists"], found["is_mismatch"]) == ("looks-1", 0, False)
    for arm in (control, popular):
        users = [user for user in USERS if arms[user] == arm["arm"]]
        assert (arm["users"], arm["sums"]["shown"], arm["sums"]["converted"]) == (
            len(users),
            3 * len(users),
            len(users),
        )
        assert arm["sums"]["measured"] >= len(users)
    assert control["sums"]["clicked"] == 0
    assert popular["figures"]["ctr"]["figure"]["value"] == popular["sums"]["clicked"] / popular["sums"]["shown"] > 0.2
    assert popular["figures"]["diversity"]["more"]["value"] > 0

    halved = last_json(run("experiment", "report", "--aa", "--json", variables=variables))
    assert [arm["arm"] for arm in halved["arms"]] == ["control/1", "control/2"]
    assert sum(arm["users"] for arm in halved["arms"]) == control["users"]

    for user in USERS[:2]:
        assert last_json(run("user", "explain", user, "--json", variables=variables))["arm"] == arms[user]
    refused = run("experiment", "report", variables=variables | {"experiment": ""})
    assert (refused.returncode, "SIGHTLINE_EXPERIMENT is empty" in refused.stderr) == (2, True)
