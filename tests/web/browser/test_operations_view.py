"""The operators' view, on figures that are given."""

from typing import Any

from tests.web.browser.conftest import Visitor
from tests.web.browser.fake_server import FakeServer


def sample(value: float, **labels: str) -> dict[str, Any]:
    return {"labels": labels, "value": value}


def worker(events: float) -> dict[str, Any]:
    latency = "sightline_event_to_recommendation_seconds_bucket"
    metrics = {
        "sightline_events_total": [sample(events, topic="events.interactions", type="click", outcome="applied")],
        "sightline_recommendations_total": [
            sample(90, kind="feed", degraded=""),
            sample(10, kind="feed", degraded="crowd"),
        ],
        latency: [sample(0, le="0.005"), sample(80, le="0.01"), sample(100, le="0.025"), sample(100, le="+Inf")],
        "sightline_consumer_lag_records": [sample(3, topic="events.uploads", partition="0")],
        "sightline_dead_letters_total": [sample(2, reason="bad_image")],
    }
    return {"address": "10.0.0.1:8801", "up": True, "metrics": metrics}


def test_figures_are_sums_and_rates_of_the_workers_metrics(visitor: Visitor, fake: FakeServer) -> None:
    away = {"address": "10.0.0.2:8801", "up": False, "metrics": {}}
    fake.operations = {"workers": [worker(100), away]}
    visitor.page.goto(f"{fake.url}/#/operations")
    card = visitor.page.locator(".card")
    card.first.wait_for()
    fake.operations = {"workers": [worker(100_000), away]}
    visitor.eventually(lambda: card.first.locator(".figure").inner_text() != "–", "a rate is known after two looks")
    text = visitor.page.locator(".cards").inner_text()
    assert "events.uploads" in text
    assert "bad_image" in text
    visitor.sees("The worker at 10.0.0.2:8801 does not answer.")


def test_without_workers_it_says_which_setting_names_them(visitor: Visitor, fake: FakeServer) -> None:
    visitor.page.goto(f"{fake.url}/#/operations")
    visitor.sees("set SIGHTLINE_WEB_WORKERS")


def test_quantiles_lie_between_the_bounds_as_prometheus_says(visitor: Visitor) -> None:
    visitor.page.goto(visitor.url)
    found = visitor.page.evaluate(
        """async () => {
          const script = document.querySelector("script[type=module]").src;
          const { quantile, grown } = await import(new URL("operations/metrics.js", script));
          const now = { bounds: [0.01, 0.02, Infinity], counts: [10, 10, 5] };
          const before = { bounds: [0.01, 0.02, Infinity], counts: [10, 0, 5] };
          const grew = grown(now, before).counts;
          const none = quantile({ bounds: [], counts: [] }, 0.5);
          return [quantile(now, 0.5), quantile(now, 0.99), grew, quantile(before, 0.2), none];
        }"""
    )
    assert found == [0.0125, 0.02, [0, 10, 0], 0.003, None]
