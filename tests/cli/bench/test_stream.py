from pathlib import Path

import pytest

from tests.cli.conftest import Run, clicks, last_json, run, run_here

LINES = "".join(f"u{n % 4},i{n % 7},click,{n}\n" for n in range(60))


def test_a_log_gives_one_object_a_page_and_a_table(tmp_path: Path) -> None:
    data = tmp_path / "log"
    data.mkdir()
    (data / "events.csv").write_text(f"user,item,type,time\n{LINES}")
    words = ("bench", "stream", "--data", str(data), "--protocol", "leave-last")
    home = {"home": str(tmp_path)}
    printed = run(*words, "--json", variables=home)
    found = last_json(printed)
    assert (found["events"], found["questions"], Path(found["page"]).exists()) == (60, 4, True)
    assert {"popular", "recent", "item_knn", "ease", "visual_only"} <= found["baselines"].keys()
    assert "item_knn" in run_here(*words, variables=home).stdout


@pytest.mark.parametrize("words", [(), ("--from-kafka", "--data", ".")])
def test_the_log_is_one_of_two(words: tuple[str, ...]) -> None:
    refused = run_here("bench", "stream", *words, variables={})
    assert refused.returncode == 2
    assert "--from-kafka" in refused.stderr


def test_a_folder_without_events_is_refused_with_the_reason(tmp_path: Path) -> None:
    refused = run_here("bench", "stream", "--data", str(tmp_path), variables={})
    assert (refused.returncode, "there is none" in refused.stderr) == (2, True)


@pytest.mark.stack
def test_the_log_may_be_the_deployments_own_topics(command: Run, here: Run) -> None:
    here("publish", "--file", "-", stdin=clicks(*(("u1", f"i{number}") for number in range(6))))
    found = last_json(command("bench", "stream", "--from-kafka", "--json"))
    assert (found["events"], found["questions"]) == (6, 5)
