from pathlib import Path

import pytest
from structlog.testing import capture_logs

from inference.behaviour.factor_file import FILE_BYTES, encode_factors
from streams.learning.factor_follower import FactorFollower
from streams.learning.model_file import ModelFile
from tests.harness.factors import factors_of
from tests.harness.interactions import metric

ONE, TWO = (encode_factors(factors_of({f"i{n}": (1.0, 0.5) for n in range(count)})) for count in (1, 2))


class World:
    """A file, and a worker that follows it."""

    def __init__(self, folder: Path) -> None:
        self.file = ModelFile(str(folder / "factors"))
        self.follower = FactorFollower(self.file)

    async def after(self, *files: bytes) -> int | None:
        """Of how many items there are factors after these files."""
        for each in files or [None]:
            if each is not None:
                self.file.write(each)
            await self.follower.look()
        return None if self.follower.factors is None else len(self.follower.factors.keys)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_lists_follow_the_newest_file(world: World) -> None:
    assert [await world.after(ONE), await world.after(), await world.after(TWO)] == [1, 1, 2]
    assert metric("sightline_factor_items") == 2


async def test_a_file_that_is_the_same_is_read_once(world: World) -> None:
    await world.after(ONE)
    before = world.follower.factors
    await world.after()

    assert world.follower.factors is before


async def test_without_a_file_there_are_no_factors_until_it_comes(world: World) -> None:
    with capture_logs() as logs:
        assert await world.after() is None
        assert await world.after() is None
    assert [(each["event"], "there is no file" in each["error"]) for each in logs] == [("factors_unavailable", True)]
    assert metric("sightline_factor_items") == 0
    assert await world.after(ONE) == 1


@pytest.mark.parametrize("bad", [b"junk", TWO[:-1], bytes(FILE_BYTES + 1)])
async def test_a_bad_file_leaves_the_last_good_one_and_is_said_once(world: World, bad: bytes) -> None:
    before = metric("sightline_factors_refused_total")
    with capture_logs() as logs:
        assert await world.after(ONE, bad) == 1
        assert await world.after() == 1
    (refusal,) = [each for each in logs if each["log_level"] == "error"]
    assert (refusal["event"], refusal["lists_by"]) == ("factors_refused", "the factors of 1 items")
    assert metric("sightline_factors_refused_total") - before == 1
    assert await world.after(TWO) == 2


async def test_a_file_that_is_gone_leaves_the_last_one(world: World, tmp_path: Path) -> None:
    await world.after(ONE)
    (tmp_path / "factors").unlink()

    assert await world.after() == 1
    assert await world.after(TWO) == 2


async def test_it_looks_in_the_background_until_it_is_stopped(world: World) -> None:
    world.file.write(ONE)
    await world.follower.start()
    assert world.follower.factors is not None
    assert world.follower.failure is None
    await world.follower.stop()
