"""The hub while an experiment runs."""

import msgspec
import pytest

from inference.experiment import Arm, Experiment
from sightline_client import ExperimentArm
from tests.harness.interactions import Hub, click, metric, record

SPLIT = Experiment("looks-1", (Arm("control", 0.5), Arm("popular", 0.5, "popular")))
CONTROL, POPULAR = "u2", "u1"


@pytest.fixture
def hub() -> Hub:
    return Hub(experiment=SPLIT)


def slots(arm: str) -> dict[str, float]:
    kinds = ("published", "shown", "clicked", "converted")
    return {kind: metric("sightline_experiment_slots_total", arm=arm, outcome=kind) for kind in kinds}


def gained(arm: str, before: dict[str, float]) -> dict[str, float]:
    return {kind: value - before[kind] for kind, value in slots(arm).items() if value != before[kind]}


async def test_users_of_one_batch_get_the_lists_of_their_arms(hub: Hub) -> None:
    await hub.handle([record(offset, click(user)) for offset, user in enumerate((CONTROL, POPULAR, "u3", "u4"))])
    found = {one.user_id: one for one in hub.publisher.lists()}

    for user in ("u1", "u2", "u3", "u4"):
        arm = SPLIT.arm_of(user).name
        assert found[user].experiment == ExperimentArm(name="looks-1", arm=arm)
        assert found[user].model["ranker"] == {"control": "weighted@2", "popular": "popular@2"}[arm]
        assert found[user].seq == ("u2", "u1", "u3", "u4").index(user)


async def test_without_an_experiment_a_list_says_nothing_of_one() -> None:
    hub = Hub()
    await hub.handle([record(0, click())])

    (message,) = hub.publisher.to("recommendations")
    assert "experiment" not in msgspec.json.decode(message.value or b"")


async def test_what_users_do_with_their_lists_is_counted_by_arm(hub: Hub) -> None:
    before, others = slots("popular"), slots("control")
    dwelt = metric("sightline_experiment_dwell_seconds_total", arm="popular")
    await hub.handle([record(0, click(POPULAR))])
    (one,) = hub.publisher.lists()
    first, second = (slot.item_id for slot in one.items[:2])
    acts = [("view", first, None), ("view", first, 1500), ("view", second, None), ("click", second, None)]
    acts += [("like", second, None), ("purchase", second, None), ("purchase", "elsewhere", None)]
    await hub.handle(
        [
            record(1 + n, click(POPULAR, thing, f"e{n}", type=kind, dwell_ms=dwell_ms, rec_id="0-0"))
            for n, (kind, thing, dwell_ms) in enumerate(acts)
        ]
    )

    shown = {"published": 2.0 * len(one.items), "shown": 2.0, "clicked": 1.0, "converted": 1.0}
    assert gained("popular", before) == shown
    assert gained("control", others) == {}
    assert metric("sightline_experiment_dwell_seconds_total", arm="popular") == dwelt + 1.5
