import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


ALERTS: dict[str, Any] = {
    rule["alert"]: rule for group in read(PROMETHEUS / "alerts.yml")["groups"] for rule in group["rules"]
}
TESTS = "alerts_test.yml", "alerts_of_days_test.yml"
CASES = [
    case | {"input": test["input_series"]}
    for tests in TESTS
    for test in read(PROMETHEUS / tests)["tests"]
    for case in test["alert_rule_test"]
]


@pytest.mark.parametrize(
    "command",
    [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "alerts.yml"],
        ["test", "rules", *TESTS],
    ],
    ids=" ".join,
)
def test_promtool_agrees(promtool: str, command: list[str]) -> None:
    done = subprocess.run([promtool, *command], cwd=PROMETHEUS, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_how_urgent_it_is_and_where_its_page_is(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/runbooks/{alert}.md"


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_describes_what_it_saw(alert: str) -> None:
    assert re.search(r"{{.*(\$value|\$labels)", ALERTS[alert]["annotations"]["description"])


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_is_tested_both_firing_and_quiet(alert: str) -> None:
    outcomes = {bool(case.get("exp_alerts")) for case in CASES if case["alertname"] == alert and case["input"]}
    assert outcomes == {True, False}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {page.stem for page in RUNBOOKS.glob("*.md")} == set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_a_runbook_has_the_sections_that_an_operator_needs_at_night(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text()
    assert text.startswith(f"# {alert}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "What it means",
        "What users notice",
        "How to confirm",
        "Causes, most likely first",
        "What to do",
        "How to know that it is over",
    ]


def metrics_in(text: str) -> set[str]:
    return set(re.findall(r"\bsightline_\w+", text))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_watches_metrics_of_a_live_process(alert: str, family_of: Callable[[str], str | None]) -> None:
    assert {name for name in metrics_in(ALERTS[alert]["expr"]) if family_of(name) is None} == set()


def test_an_alert_uses_existing_buckets() -> None:
    asked = [
        pair for rule in ALERTS.values() for pair in re.findall(r'(sightline_\w+)_bucket{le="([^"]+)"}', rule["expr"])
    ]
    there = {(sample.name, sample.labels.get("le")) for family in REGISTRY.collect() for sample in family.samples}
    assert asked
    assert {(f"{name}_bucket", bound) for name, bound in asked} <= there


def test_a_live_process_reports_its_start_time(families: dict[str, str]) -> None:
    assert "process_start_time_seconds" in families
    assert "process_start_time_seconds" in ALERTS["WorkerRestarting"]["expr"]


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_a_runbook_asks_for_metrics_of_a_live_process(page: Path, family_of: Callable[[str], str | None]) -> None:
    queries = "\n".join(re.findall(r"```promql\n(.*?)```", page.read_text(), re.DOTALL))
    assert {name for name in metrics_in(queries) if family_of(name) is None} == set()
