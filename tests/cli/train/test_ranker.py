from pathlib import Path
from random import Random

import pytest

from streams.learning.model_record import decode_record
from tests.cli.conftest import Run, last_json, run, run_here


def write_log(folder: Path, users: int, steps: int, *, seed: int = 0) -> Path:
    """Users who choose one item after the other, in the same order from different places on."""
    random, lines = Random(seed), list[str]()
    starts = [random.randrange(60) for _ in range(users)]
    for step in range(steps):
        lines += [f"u{user},i{(start + step) % 60},click,{step * users + user}" for user, start in enumerate(starts)]
    folder.mkdir()
    (folder / "events.csv").write_text("\n".join(["user,item,type,time", *lines]))
    return folder


def test_a_version_is_learned_from_a_log_and_kept_in_a_file(tmp_path: Path) -> None:
    data, out = write_log(tmp_path / "log", users=80, steps=15), tmp_path / "ranker.bin"
    done = run("train", "ranker", "--data", str(data), "--out", str(out), "--json", variables={"dimensions": "16"})
    assert done.returncode == 0, done.stderr
    found = last_json(done)

    assert found["version"] > 0
    assert found["loss"] < found["loss_of_hand_weights"]
    assert decode_record(out.read_bytes()).ranker().version == found["version"]


def test_a_log_that_is_too_short_gives_no_version(tmp_path: Path) -> None:
    data, out = write_log(tmp_path / "log", users=3, steps=3), tmp_path / "ranker.bin"
    done = run_here("train", "ranker", "--data", str(data), "--out", str(out), variables={"dimensions": "16"})

    assert (done.returncode, out.exists()) == (1, False)
    assert "nothing was kept" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--out", "x"), "--from-kafka"),
        (("--from-kafka", "--data", ".", "--out", "x"), "--from-kafka"),
        (("--data", "."), "--publish"),
    ],
)
def test_what_to_learn_from_and_where_to_is_asked_for(words: tuple[str, ...], says: str) -> None:
    refused = run_here("train", "ranker", *words, variables={})
    assert (refused.returncode, says in refused.stderr) == (2, True)


@pytest.mark.stack
def test_a_version_is_published_under_the_next_number(tmp_path: Path, command: Run, here: Run) -> None:
    data = write_log(tmp_path / "log", users=80, steps=15)
    here("topics", "create")
    words = ("train", "ranker", "--data", str(data), "--publish", "--json")
    first, second = (last_json(say(*words)) for say in (command, here))
    assert second["version"] > first["version"] > 0
