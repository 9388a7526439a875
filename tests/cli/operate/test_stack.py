import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.operate.stack import _plain, _print_workers
from deploy.process import Process
from deploy.workers import Worker

TOOLS = Path(__file__).parents[2] / ".sightline" / "tools"


class Sightline:
    """The command as a person runs it, on a home of the test's own."""

    def __init__(self, home: Path) -> None:
        self._environment = {**os.environ, "SIGHTLINE_HOME": str(home), "SIGHTLINE_TOOLS": str(TOOLS)}
        for name in ("KAFKA", "REDIS", "TRITON"):
            self._environment.pop(f"SIGHTLINE_{name}", None)

    def __call__(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sightline", *words],
            env={**self._environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def sightline(tmp_path: Path) -> Iterator[Sightline]:
    command = Sightline(tmp_path)
    yield command
    assert command("down").returncode == 0


def last_line(lines: str) -> Any:
    return json.loads(lines.splitlines()[-1])


def states(lines: str) -> Sequence[str]:
    services = ("kafka", "redis", "triton")
    return [found["state"] for name, found in last_line(lines).items() if name in services]


def test_status_of_a_new_home_is_stopped(sightline: Sightline) -> None:
    result = sightline("status", "--json")
    assert result.returncode == 0
    assert states(result.stdout) == ["stopped"] * 3
    assert last_line(result.stdout)["workers"] == []


def test_status_says_of_each_worker_whether_it_is_ready_and_what_it_waits_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ready = Worker("web", 1, Process(1, "1"), 20_001, Path("web-1.log"), web_port=20_002)
    waiting = Worker("items", 2, Process(2, "1"), 20_003, Path("items-2.log"))
    _print_workers([(ready, None), (waiting, "kafka is away")])
    shown = capsys.readouterr().out
    for text in ("http://127.0.0.1:20002", "ready", "items 2", "not ready: kafka is away", "127.0.0.1:20003/metrics"):
        assert text in shown
    assert [_plain(ready, None)["ready"], _plain(waiting, "kafka is away")["ready"]] == [True, False]


@pytest.mark.stack
def test_up_ends_with_the_addresses_as_one_json_object(sightline: Sightline) -> None:
    result = sightline("up", "redis", "--json")
    assert result.returncode == 0
    assert set(last_line(result.stdout)) == {"kafka", "redis", "triton", "triton_metrics"}


@pytest.mark.stack
def test_up_tells_its_progress_on_stderr(sightline: Sightline) -> None:
    result = sightline("up", "redis", "--json")
    assert "redis: ready on redis://127.0.0.1:" in result.stderr
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.stack
def test_up_of_one_service_leaves_the_others_stopped(sightline: Sightline) -> None:
    sightline("up", "redis")
    assert states(sightline("status", "--json").stdout) == ["stopped", "running", "stopped"]


@pytest.mark.stack
def test_down_ends_what_up_started(sightline: Sightline) -> None:
    sightline("up", "redis")
    assert states(sightline("down", "--json").stdout) == ["stopped"] * 3


@pytest.mark.stack
def test_status_shows_a_person_a_table(sightline: Sightline) -> None:
    sightline("up", "redis")
    result = sightline("status")
    assert "running" in result.stdout
    assert "redis://127.0.0.1:" in result.stdout


def test_an_unknown_service_is_refused(sightline: Sightline) -> None:
    result = sightline("up", "rediss")
    assert result.returncode == 2
    assert "rediss" in result.stderr


def test_an_address_where_nothing_answers_ends_with_2_and_names_the_variable(sightline: Sightline) -> None:
    result = sightline("up", "redis", SIGHTLINE_REDIS="redis://127.0.0.1:1")
    assert result.returncode == 2
    assert "SIGHTLINE_REDIS is 'redis://127.0.0.1:1'" in result.stderr


def test_all_wrong_settings_are_named_at_once(sightline: Sightline) -> None:
    result = sightline("status", SIGHTLINE_PARTITIONS="many", SIGHTLINE_LOG_LEVEL="loud")
    assert result.returncode == 2
    assert "SIGHTLINE_PARTITIONS" in result.stderr
    assert "SIGHTLINE_LOG_LEVEL" in result.stderr
    assert "Traceback" not in result.stderr
