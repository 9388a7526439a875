"""The real stack, started once for all tests that ask for it, on its own data, with the tools shared."""

import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from deploy.local import Endpoints, Stack
from deploy.redis_cluster import RedisCluster, RedisNode
from state.redis import Client, connect
from streams.logs import log_as_json
from streams.settings import Settings

# How fast examples come says how busy the machine is, and nothing about the code.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")
# A test's broker does not live long enough for what it does often to be worth compiling well.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
# Tests start Python hundreds of times: each start parses every module again where its bytecode is not kept.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure() -> None:
    """End at SIGTERM as at Ctrl-C, so that the fixtures end the services that they started."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended by SIGTERM", returncode=128 + signal.SIGTERM))
    # Tests look at every line, where commands write warnings only.
    log_as_json("debug", cache=False)


@dataclass(frozen=True, slots=True)
class RunningStack:
    """The stack of this test session, and where its services listen."""

    stack: Stack
    endpoints: Endpoints
    settings: Settings


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Kafka, Redis and Triton with the exported encoder; ended by pid when the session ends."""
    settings = Settings(
        home=tmp_path_factory.mktemp("stack"),
        tools=Path(__file__).parents[1] / ".sightline" / "tools",
        kafka=None,
        redis=None,
        triton=None,
    )
    stack = Stack(settings)
    try:
        yield RunningStack(stack, stack.up(), settings)
    finally:
        stack.down()


@pytest.fixture(scope="session")
def redis_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisNode]:
    """A Redis alone, which tests leave as they found it."""
    node = RedisNode(tmp_path_factory.mktemp("redis-node"))
    try:
        node.start()
        yield node
    finally:
        node.end()


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """A Redis Cluster, which tests leave whole."""
    cluster = RedisCluster(tmp_path_factory.mktemp("redis-cluster"))
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(params=["node", "cluster"])
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A client of a Redis alone, then of a cluster."""
    client = connect(request.getfixturevalue(f"redis_{request.param}").url)
    yield client
    await client.aclose()


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test uses, for topics and groups."""
    return f"t{uuid.uuid4().hex[:10]}."
