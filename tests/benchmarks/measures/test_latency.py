from itertools import islice
from pathlib import Path

import msgspec
import pytest

from benchmarks.harness.surroundings import draw_items, own_stack
from benchmarks.measures.latency import Latency, Plan, measure_latency
from streams.settings import Settings
from streams.wire.events import Interaction

PLAN = Plan(rate=50, seconds=3, rounds=1, users=20, items=100)


@pytest.fixture
def settings() -> Settings:
    return Settings(tools=Path(__file__).parents[2] / ".sightline" / "tools", kafka=None, redis=None, triton=None)


def test_every_user_has_clicked_once_after_as_many_clicks_as_users() -> None:
    clicks = list(islice(PLAN.clicks(), PLAN.users))
    assert len({click.key for click in clicks}) == PLAN.users


def test_a_drawn_click_is_an_event_as_agents_read_it() -> None:
    drawn = next(PLAN.clicks())
    event = msgspec.json.decode(drawn.value, type=Interaction)
    assert (event.event_id, event.user_id.encode()) == (drawn.event_id, drawn.key)


def test_drawn_items_have_unit_vectors() -> None:
    lengths = [float((item.vector("drawn@1") ** 2).sum()) for item in draw_items(50, 64)]
    assert lengths == pytest.approx([1.0] * 50, abs=0.01)


@pytest.mark.stack
def test_a_small_run_loses_nothing_and_gives_every_figure(settings: Settings) -> None:
    found = measure_latency(settings, PLAN)
    assert found.lost == 0
    delays = {
        name: getattr(found, name) for name in Latency.__slots__ if name.endswith(("p50_ms", "p99_ms", "p999_ms"))
    }
    # quixstreams needs an environment of its own, which cannot be made everywhere.
    assert {name for name, value in delays.items() if value is None} <= {name for name in delays if "quix" in name}
    assert all(value > 0 for value in delays.values() if value is not None)


@pytest.mark.stack
def test_services_of_a_benchmark_leave_nothing_behind_when_it_fails(settings: Settings) -> None:
    homes = []

    def fail() -> None:
        with own_stack(settings, lambda _: None) as (own, _):
            homes.append(own.home)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not homes[0].exists()
