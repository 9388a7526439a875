import pytest

from streams.wire.topics import ALL
from tests.cli.conftest import Run, last_json, run, run_here

pytestmark = pytest.mark.stack


def test_create_names_what_it_made(variables: dict[str, str]) -> None:
    result = run("topics", "create", "--json", variables=variables)
    names = [variables["topic_prefix"] + topic.name for topic in ALL]
    assert (result.returncode, last_json(result)) == (0, {"created": names, "existing": [], "differences": []})


def test_create_again_changes_nothing(here: Run) -> None:
    result = here("topics", "create")
    assert result.stdout == f"0 created, {len(ALL)} were there\n"


def test_create_again_tells_what_differs_and_leaves_it(command: Run, variables: dict[str, str]) -> None:
    for _ in range(2):
        result = run_here("topics", "create", variables=variables | {"partitions": "8"})
        assert result.returncode == 0
        assert f"{variables['topic_prefix']}events.items has 4 partitions, not 8" in result.stdout


def test_check_is_content_with_what_create_made(command: Run) -> None:
    result = command("topics", "check", "--json")
    assert (result.returncode, last_json(result)) == (0, {"ok": True, "differences": []})


def test_check_ends_1_and_names_each_missing_topic(variables: dict[str, str]) -> None:
    result = run_here("topics", "check", variables=variables)
    assert result.returncode == 1
    assert f"{variables['topic_prefix']}dead-letters is missing: run `sightline topics create`" in result.stdout
