from itertools import islice

import msgspec
import pytest

from benchmarks.measures import latency
from benchmarks.measures.latency import Latency, Plan, measure_latency
from streams.settings import Settings
from streams.wire.events import Interaction

PLAN = Plan(rate=50, seconds=1, rounds=1, users=20, items=100)


def test_every_user_has_clicked_once_after_as_many_clicks_as_users() -> None:
    clicks = list(islice(PLAN.clicks(), PLAN.users))
    assert len({click.key for click in clicks}) == PLAN.users


def test_a_drawn_click_is_an_event_as_agents_read_it() -> None:
    drawn = next(PLAN.clicks())
    event = msgspec.json.decode(drawn.value, type=Interaction)
    assert (event.event_id, event.user_id.encode()) == (drawn.event_id, drawn.key)


@pytest.mark.stack
def test_a_small_run_loses_nothing_and_gives_every_figure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # quixstreams needs an environment of its own, which cannot be made everywhere.
    monkeypatch.setattr(latency, "has_quixstreams", lambda _: False)
    monkeypatch.setattr(latency, "WARM_UP_S", 0.2)
    found = measure_latency(settings, PLAN)
    assert found.lost == 0
    delays = {
        name: getattr(found, name) for name in Latency.__slots__ if name.endswith(("p50_ms", "p99_ms", "p999_ms"))
    }
    assert {name for name, value in delays.items() if value is None} == {name for name in delays if "quix" in name}
    assert all(value > 0 for value in delays.values() if value is not None)
