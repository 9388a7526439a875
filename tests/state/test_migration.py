"""The state of version 0.1 becomes the present one, and nobody else's keys are touched."""

import uuid

import pytest
from redis.asyncio import Redis

from state.errors import OldKeys, StateUnavailable
from state.keys import Keys, names_of
from state.migration import migrate, refuse_old_keys
from state.partitions import Loaded
from state.redis import Client, RedisPartitions

pytestmark = pytest.mark.stack

PARTITIONS = 2
FAR_MS = 4_000_000_000_000


@pytest.fixture
def app() -> str:
    return f"{uuid.uuid4().hex}."


async def write_old_state(redis: Client, app: str) -> None:
    """What version 0.1 stored for an app, some of it in a rebuilt space, beside another product's keys."""
    values: dict[str, bytes | str] = {
        f"{{{app}0}}:position": "7",
        f"{{{app}0}}:topic": "id",
        f"{{{app}0}}:profile:9c56": b"\0\xff",
        f"{{{app}1}}:position": "9 2",
        f"{{{app}1}}:2:profile:9c57": "rebuilt",
        f"{{{app}s1}}:position": "5",
        f"{{{app}s1}}:item:a{{b}}\n": "{}",
        f"{{{app}s1}}:sources": "s",
        f"{{{app}index/0/1}}:position:1": "3 id 0",
        f"{{{app}0}}:cart": "two shirts",
        f"{{{app}s1}}:profile:9c56": "of no state of ours",
        f"{{{app}7}}:profile:9c56": "of a partition that is not ours",
    }
    for key, value in values.items():
        await redis.set(key, value)
    await redis.pexpireat(f"{{{app}0}}:profile:9c56", FAR_MS)


async def keys_of(redis: Client, app: str) -> set[str]:
    return {key.decode() async for key in redis.scan_iter(match=f"*{app}*")}


async def test_a_state_of_version_0_1_is_refused_until_it_is_migrated(redis: Client, app: str) -> None:
    await write_old_state(redis, app)
    with pytest.raises(OldKeys, match="sightline migrate"):
        await refuse_old_keys(redis, app, PARTITIONS)
    done: list[int] = []
    assert await migrate(redis, app, PARTITIONS, done.append) == sum(done) == 5
    await refuse_old_keys(redis, app, PARTITIONS)
    profiles = RedisPartitions(redis, Keys(app), observe=lambda _op, _seconds: None)
    items = RedisPartitions(redis, Keys(app, "s"), observe=lambda _op, _seconds: None)
    assert await profiles.load({0: ["profile:9c56", "topic"], 1: ["profile:9c57"]}) == {
        0: Loaded(7, [b"\0\xff", b"id"]),
        1: Loaded(9, [b"rebuilt"]),
    }
    assert await items.load({1: ["item:a{b}\n", "sources"]}) == {1: Loaded(5, [b"{}", b"s"])}
    assert await redis.pexpiretime(Keys(app).value(0, "profile:9c56")) == FAR_MS
    old = {key for key in await keys_of(redis, app) if not key.startswith(names_of(app))}
    assert old == {f"{{{app}0}}:cart", f"{{{app}s1}}:profile:9c56", f"{{{app}7}}:profile:9c56"}


async def test_an_interrupted_migration_continues(redis: Client, app: str) -> None:
    await write_old_state(redis, app)

    def interrupt(_more: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await migrate(redis, app, PARTITIONS, interrupt)
    with pytest.raises(OldKeys):
        await refuse_old_keys(redis, app, PARTITIONS)
    await migrate(redis, app, PARTITIONS)
    await refuse_old_keys(redis, app, PARTITIONS)
    loaded = await RedisPartitions(redis, Keys(app), observe=lambda _op, _seconds: None).load({0: ["profile:9c56"]})
    assert loaded == {0: Loaded(7, [b"\0\xff"])}


async def test_a_present_state_is_never_replaced_by_an_old_one(redis: Client, app: str) -> None:
    await write_old_state(redis, app)
    await redis.set(Keys(app).position(0), "70")
    await redis.set(Keys(app).value(0, "topic"), "newer")
    await migrate(redis, app, PARTITIONS)
    loaded = await RedisPartitions(redis, Keys(app), observe=lambda _op, _seconds: None).load({0: ["topic"]})
    assert loaded == {0: Loaded(70, [b"newer"])}


async def test_nothing_is_refused_where_nothing_of_ours_is(redis: Client, app: str) -> None:
    await redis.set(f"{{{app}0}}:position", "north")
    await redis.rpush(f"{{{app}1}}:position", "1")
    await refuse_old_keys(redis, app, PARTITIONS)
    assert await migrate(redis, app, PARTITIONS) == 0
    assert len(await keys_of(redis, app)) == 2


async def test_a_user_who_may_use_our_keys_alone_sees_no_old_ones(redis: Client, app: str) -> None:
    if not isinstance(redis, Redis):
        pytest.skip("a user of one server is enough")
    await write_old_state(redis, app)
    await redis.acl_setuser(app, enabled=True, nopass=True, keys=["sightline:*"], categories=["+@all"])
    url = redis.connection_pool.connection_kwargs
    user = Redis(host=url["host"], port=url["port"], username=app, password="any")
    await refuse_old_keys(user, app, PARTITIONS)
    with pytest.raises(StateUnavailable, match="permission"):
        await migrate(user, app, PARTITIONS)
    await user.aclose()
    await redis.acl_deluser(app)


async def test_more_keys_are_renamed_than_a_client_has_connections(redis: Client, app: str) -> None:
    await redis.set(f"{{{app}0}}:position", "7")
    for number in range(300):
        await redis.set(f"{{{app}0}}:profile:{number}", "x")
    assert await migrate(redis, app, PARTITIONS) == 300
    assert len([key async for key in redis.scan_iter(match=f"{names_of(app)}*", count=1000)]) == 301
