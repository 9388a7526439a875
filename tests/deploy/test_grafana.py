import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "sightline.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES: list[str] = [target["expr"] for panel in PANELS for target in panel["targets"]]


def metrics_in(query: str) -> set[str]:
    return set(re.findall(r"\bsightline_\w+", query))


def test_every_metric_of_the_dashboard_is_in_a_live_metrics_page(family_of: Callable[[str], str | None]) -> None:
    shown = set().union(*map(metrics_in, QUERIES))
    assert {name for name in shown if family_of(name) is None} == set()


def test_every_metric_of_a_live_process_is_on_the_dashboard(
    families: dict[str, str], family_of: Callable[[str], str | None]
) -> None:
    shown = {family_of(name) for query in QUERIES for name in metrics_in(query)}
    # A counter also has a gauge `_created`, the time at which it began.
    ours = {name for name in families if name.startswith("sightline_") and not name.endswith("_created")}
    assert ours - shown == set()


def test_every_query_can_be_read_by_prometheus(promtool: str, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:query:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(QUERIES)
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_explains_itself_and_has_a_unit(panel: dict[str, Any]) -> None:
    assert len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert all(target["legendFormat"] for target in panel["targets"])


def test_the_data_source_is_chosen_on_the_dashboard() -> None:
    [variable] = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    sources = [panel["datasource"] for panel in PANELS]
    sources += [target["datasource"] for panel in PANELS for target in panel["targets"]]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)


def test_the_headline_comes_first() -> None:
    in_order = sorted(PANELS, key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
    first, second = (panel["targets"][0]["expr"] for panel in in_order[:2])
    assert "0.5, sum by (le) (rate(sightline_event_to_recommendation_seconds_bucket" in first
    assert "0.99, sum by (le) (rate(sightline_event_to_recommendation_seconds_bucket" in second


def test_no_two_panels_lie_on_each_other() -> None:
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)


def test_panels_have_ids_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
