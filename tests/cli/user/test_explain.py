import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

import pytest
from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types

from cli.user.stored import stores
from features.dials import NO_DIALS, turn
from features.item import Item, key_of
from features.profile import Profile
from features.trends import NO_TRENDS
from sightline_client.routing import partition_of
from state.codec import encode_item
from state.partitions import START
from state.profiles import ProfileCommit
from state.signals import Signals
from state.signals import partition_of as signal_partition_of
from tests.cli.conftest import Run, last_json, run, run_here
from tests.conftest import RunningStack
from tests.harness.catalog import DIMENSIONS, act, item, profile_of, reds_and_blues

pytestmark = pytest.mark.stack


@pytest.fixture
def shop(stack: RunningStack, topic_prefix: str, here: Run) -> None:
    """A catalogue of reds and blues, and u1 who clicked a red one and asked for red-3; no worker runs."""
    assert here("topics", "check").returncode == 0
    items = [each for _, each in reds_and_blues(8) if each is not None]
    gone = Item("gone", 1, deleted=True)
    with closing(KafkaProducer(bootstrap_servers=stack.endpoints.kafka)) as producer:
        for each in [*items, item("red-20", hidden=True)]:
            producer.send(f"{topic_prefix}state.catalog", key=each.item_id.encode(), value=encode_item(each))
    profile = profile_of(act("red-0"), act("blue-1", -3.0))
    wishing = replace(profile, dials=turn(NO_DIALS, [("red-3", 1.0)]))
    asyncio.run(store(stack, topic_prefix, wishing, [gone]))


async def store(stack: RunningStack, prefix: str, profile: Profile, items: Sequence[Item]) -> None:
    settings = stack.settings.model_copy(update={"topic_prefix": prefix, "partitions": 4})
    async with stores(settings, stack.endpoints) as (profiles, signals):
        commit = ProfileCommit(partition_of(b"u1", 4), START, 1, {"u1": profile})
        assert await profiles.commit([commit]) == {}
        for each in items:
            place = signal_partition_of(key_of(each.item_id), 4)
            stored = Signals(1, {}, NO_TRENDS, {each.item_id: each}, {})
            assert await signals.commit({place: START}, {place: stored}) == {}


@pytest.mark.usefixtures("shop")
def test_a_list_and_its_items_are_explained_without_a_worker(variables: dict[str, str]) -> None:
    known = variables | {"dimensions": str(DIMENSIONS), "list_length": "5"}
    listed = run("user", "explain", "u1", "--json", variables=known)
    assert listed.returncode == 0, listed.stderr
    found = last_json(listed)
    names = [slot["item"]["item_id"] for slot in found["slots"]]
    assert (len(names), found["known"], found["filtered"]["seen"]) == (5, True, 1)
    assert {name.partition("-")[0] for name in names} == {"red"}
    shares = {part["code"]: part["share"] for part in found["slots"][0]["score"]["signals"]}
    assert (names[0], shares["you_asked"] > shares["looks_like"] > 0.1) == ("red-3", True)
    for item_id, code in {
        "nowhere": "not_in_catalogue",
        "gone": "deleted",
        "red-20": "unavailable",
        "blue-1": "refused",
    }.items():
        why = last_json(run_here("user", "explain", "u1", item_id, "--json", variables=known))["item"]
        assert (why["verdict"], why["obstacles"][0]["code"]) == ("not_a_candidate", code)
    shown = run_here("user", "explain", "u1", "red-3", variables=known)
    assert shown.stdout.startswith("'red-3' is in slot 1\n")
    assert "looks_like" in shown.stdout
    below = run_here("user", "explain", "u1", "blue-2", variables=known)
    assert "is not in the list because others score higher: rank " in below.stdout


def test_a_user_of_whom_nothing_is_known_is_told_so(here: Run) -> None:
    shown = here("user", "explain", "nobody")
    assert shown.returncode == 0, shown.stderr
    assert "user 'nobody' is unknown" in shown.stdout


def test_an_id_that_is_not_utf_8_is_a_usage_error(command: Run) -> None:
    refused = command("user", "explain", "\udcff")
    assert (refused.returncode, "is not UTF-8" in refused.stderr, refused.stdout) == (2, True, "")
