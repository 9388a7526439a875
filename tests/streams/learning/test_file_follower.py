import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from features.recommendation import Source
from inference.catalog.catalog import Catalog
from inference.classes.file import Classes, encode_classes
from inference.errors import ModelRefused
from inference.factors.file import encode_factors
from inference.recommender import Recommender
from inference.retrieval.trained import TrainedModel
from inference.sequence.model import encode_model
from inference.trained.source import AT_ONCE
from streams.learning.file_follower import FileFollower
from streams.learning.model_file import ModelFile
from streams.learning.model_kinds import CLASSES, FACTORS, SEQUENCE, SHOP_RULES, ModelKind
from streams.objects.errors import ObjectMissing
from tests.harness.catalog import without_picture
from tests.harness.factors import factors_of
from tests.harness.interactions import metric
from tests.harness.sequences import next_of
from tests.harness.shop_rules import file_of, rule


def _factors(items: int) -> bytes:
    return encode_factors(factors_of({f"i{n}": (1.0, 0.5) for n in range(items)}))


def _sequence(items: int) -> bytes:
    return encode_model(next_of(**{f"i{n}": f"i{n}" for n in range(items)}))


#: By name the kind, what makes a file of so many items, and the name of the gauge.
KINDS: dict[Source, tuple[ModelKind[TrainedModel], Callable[[int], bytes], str]] = {
    "factors": (FACTORS, _factors, "sightline_factor_items"),
    "sequence": (SEQUENCE, _sequence, "sightline_sequence_items"),
}


class World:
    """A file, and a worker that follows it."""

    def __init__(self, name: Source, folder: Path) -> None:
        self.name: Source = name
        self.kind, self._make, self.gauge = KINDS[name]
        self.path = folder / "model"
        self.file = ModelFile(str(self.path))
        self.follower = FileFollower(self.kind, self.file)
        self.one, self.two = self._make(1), self._make(2)

    async def after(self, *files: bytes) -> int | None:
        """Of how many items there is a model after these files."""
        for each in files or [None]:
            if each is not None:
                self.file.write(each)
            await self.follower.look()
        return None if self.follower.model is None else len(self.follower.model.keys)


@pytest.fixture(params=[*KINDS])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return World(request.param, tmp_path)


async def test_lists_follow_the_newest_file(world: World) -> None:
    assert [await world.after(world.one), await world.after(), await world.after(world.two)] == [1, 1, 2]
    assert metric(world.gauge) == 2


async def test_a_file_that_is_the_same_is_read_once(world: World) -> None:
    await world.after(world.one)
    before = world.follower.model
    await world.after()

    assert world.follower.model is before


async def test_without_a_file_there_is_no_model_until_it_comes(world: World) -> None:
    with capture_logs() as logs:
        assert await world.after() is None
        assert await world.after() is None
    said = [(each["event"], "there is no file" in each["error"]) for each in logs]
    assert said == [(f"{world.name}_unavailable", True)]
    assert metric(world.gauge) == 0
    assert await world.after(world.one) == 1


@pytest.mark.parametrize("damage", ["junk", "cut short", "too large"])
async def test_a_bad_file_leaves_the_last_good_one_and_is_said_once(world: World, damage: str) -> None:
    before = metric(f"sightline_{world.name}_refused_total")
    with capture_logs() as logs:
        assert await world.after(world.one) == 1
        if damage == "too large":
            with world.path.open("wb") as file:
                file.truncate(world.kind.most_bytes + 1)
        else:
            world.file.write({"junk": b"junk", "cut short": world.two[:-1]}[damage])
        assert await world.after() == 1
        assert await world.after() == 1
    (refusal,) = [each for each in logs if each["log_level"] == "error"]
    assert (refusal["event"], refusal["lists_by"]) == (f"{world.name}_refused", f"{world.name} with 1 entries")
    # Each look counts: the alert lasts as long as the file lies there.
    assert metric(f"sightline_{world.name}_refused_total") - before == 2
    assert [await world.after(world.two), await world.after()] == [2, 2]
    assert metric(f"sightline_{world.name}_refused_total") - before == 2


async def test_the_same_bad_file_after_a_good_one_is_said_again(world: World) -> None:
    with capture_logs() as logs:
        for each in (b"junk", world.one, b"junk"):
            await world.after(each)
    assert [each["lists_by"] for each in logs if each["log_level"] == "error"] == [
        f"no {world.name}",
        f"{world.name} with 1 entries",
    ]


async def test_a_file_that_is_gone_leaves_the_last_one(world: World) -> None:
    await world.after(world.one)
    world.path.unlink()

    assert await world.after() == 1
    assert await world.after(world.two) == 2


async def test_it_looks_in_the_background_until_it_is_stopped(world: World) -> None:
    world.file.write(world.one)
    await world.follower.start()
    assert world.follower.model is not None
    assert world.follower.failure is None
    await world.follower.stop()


async def test_own_classes_are_followed_as_well_and_a_bad_file_leaves_the_last_ones(tmp_path: Path) -> None:
    file = ModelFile(str(tmp_path / "classes"))
    follower = FileFollower(CLASSES, file)
    file.write(encode_classes(Classes(("a", "b"), "e@1", np.eye(4, 2, dtype="f"), np.zeros(2, "f"), 9.0, 0.5, 1.0)))
    await follower.look()
    refused = metric("sightline_classes_refused_total")
    file.write(b"junk")
    await follower.look()

    assert follower.model is not None
    assert follower.model.names == ("a", "b")
    assert (metric("sightline_own_classes"), metric("sightline_classes_refused_total")) == (2, refused + 1)


async def test_rules_of_a_shop_are_followed_like_models_and_half_a_file_leaves_the_last_ones(tmp_path: Path) -> None:
    path, whole = tmp_path / "rules.json", file_of(rule("exclude", "one", items=["i1"]))
    follower = FileFollower(SHOP_RULES, ModelFile(str(path)))
    path.write_bytes(whole)
    await follower.look()
    both = file_of(rule("exclude", "one", items=["i1"]), rule("boost", "two", weight=1, category="hats"))
    with capture_logs() as logs:
        for end in (len(both) // 2, len(both)):
            path.write_bytes(both[:end])
            await follower.look()
            assert follower.model is not None
            assert follower.model.keys == (["one"] if end < len(both) else ["one", "two"])
    (refusal,) = [each for each in logs if each["log_level"] == "error"]
    assert (refusal["event"], refusal["lists_by"]) == ("shop_rules_refused", "shop_rules with 1 entries")
    assert metric("sightline_shop_rules") == 2


def test_rules_are_looked_at_more_often_than_models() -> None:
    assert SHOP_RULES.every_s <= 2 < FACTORS.every_s


async def test_no_worker_starts_without_the_rules_that_it_is_to_keep(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    follower = FileFollower(SHOP_RULES, ModelFile(str(path)))
    with pytest.raises(ObjectMissing, match="rules"):
        await follower.start()
    path.write_bytes(b'{"rules": [{"do": "exclude"')
    with pytest.raises(ModelRefused):
        await follower.start()
    path.write_bytes(file_of(rule("exclude", "one", items=["i1"])))
    await follower.start()
    await follower.stop()
    assert follower.model is not None
    assert metric("sightline_shop_rules") == 1


async def test_the_catalogue_is_read_by_a_new_model_in_steps_between_which_the_last_one_is_followed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(2)
    catalog.apply([(f"i{number}", without_picture(f"i{number}")) for number in range(5 * AT_ONCE)])
    recommender, seen = Recommender(catalog, length=2), list[TrainedModel | None]()
    follower = FileFollower(world.kind, world.file, partial(recommender.prepare_trained, world.name))
    world.file.write(world.one)
    await follower.look()
    first = follower.model

    async def work() -> None:
        """What else the process does, at every turn of its loop."""
        while True:
            seen.append(follower.model)
            catalog.apply([(f"late{len(seen)}", without_picture(f"late{len(seen)}"))])
            await asyncio.sleep(0)

    world.file.write(world.two)
    working = asyncio.create_task(work())
    await follower.look()
    working.cancel()

    assert first is not None
    assert {*map(id, seen)} == {id(first)}
    assert len(seen) >= 5
    assert follower.model is not first
    # What was read in steps is not read again between two lists.
    monkeypatch.delattr("inference.recommender.space_of")
    recommender.apply_trained(world.name, follower.model)
