"""The workflow, the hooks and the issue forms, as far as that can be tested without GitHub."""

from typing import Any

import pytest
import yaml

from tests.harness.paths import ROOT
from tests.harness.tools import run

GITHUB = ROOT / ".github"
FORMS = ["ISSUE_TEMPLATE/bug.yml", "ISSUE_TEMPLATE/feature.yml"]
WORKFLOW: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text())
STEPS: list[dict[str, Any]] = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]


@pytest.mark.parametrize(
    ("schema", "files"),
    [("workflows", ["workflows/ci.yml"]), ("issue-forms", FORMS), ("issue-config", ["ISSUE_TEMPLATE/config.yml"])],
)
def test_github_can_read_it(schema: str, files: list[str]) -> None:
    done = run("check-jsonschema", "--builtin-schema", f"vendor.github-{schema}", *(GITHUB / file for file in files))
    assert done.returncode == 0, done.stdout


def test_the_workflow_may_read_and_nothing_else() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in WORKFLOW["jobs"].values())
    checkouts = [step for step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_a_job_ends_within_an_hour() -> None:
    assert all(job["timeout-minutes"] <= 60 for job in WORKFLOW["jobs"].values())


def test_the_workflow_runs_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    commands = [step["run"] for step in STEPS if "run" in step]
    assert commands == ["make test", "make unit"]
    assert all(f"\n{command.removeprefix('make ')}: " in makefile for command in commands)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_a_tool_that_is_locked_and_installed(hook: dict[str, Any]) -> None:
    assert hook["language"] == "system"
    assert hook["entry"].startswith("uv run --frozen --no-sync ")
