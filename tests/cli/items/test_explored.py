import asyncio
from contextlib import closing

import pytest
from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types

from cli.user.stored import stores
from features.behaviour import Behaviour
from features.item import key_of
from features.ledger import EMPTY
from features.trends import NO_TRENDS
from state.codec import encode_item
from state.partitions import START
from state.signals import Signals, partition_of
from tests.cli.conftest import Run, last_json, run, run_here
from tests.conftest import RunningStack
from tests.harness.catalog import DIMENSIONS, NOW, reds_and_blues

pytestmark = pytest.mark.stack


async def store(stack: RunningStack, prefix: str, name: str, behaviour: Behaviour) -> None:
    settings = stack.settings.model_copy(update={"topic_prefix": prefix, "partitions": 4})
    async with stores(settings, stack.endpoints) as (_, signals):
        place = partition_of(key_of(name), 4)
        stored = Signals(1, {}, NO_TRENDS, {}, {key_of(name): behaviour})
        assert await signals.commit({place: START}, {place: stored}) == {}


def test_what_was_learned_of_the_latest_uploads_is_shown_by_category(
    stack: RunningStack, topic_prefix: str, here: Run, variables: dict[str, str]
) -> None:
    assert here("topics", "check").returncode == 0
    with closing(KafkaProducer(bootstrap_servers=stack.endpoints.kafka)) as producer:
        for name, each in reds_and_blues(3):
            assert each is not None
            producer.send(f"{topic_prefix}state.catalog", key=name.encode(), value=encode_item(each))
    met_by_ten = Behaviour(EMPTY, popular=4.5, at_ms=NOW, user_bitmap=2**10 - 1)
    asyncio.run(store(stack, topic_prefix, "red-1", met_by_ten))
    known = variables | {"dimensions": str(DIMENSIONS), "explore_share": "0.2"}

    found = run("items", "explored", "--json", variables=known)
    assert found.returncode == 0, found.stderr
    red, blue = last_json(found)["categories"]
    assert (red["category"], red["items"], red["newcomers"], red["met"], red["chosen"]) == ("red", 3, 3, 10, 4)
    assert (blue["category"], blue["met"]) == ("blue", 0)
    assert red["rate"] > blue["rate"]
    assert "20%" in run_here("items", "explored", variables=known).stdout
