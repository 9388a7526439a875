from pathlib import Path

import pytest

from inference.sequence.model import decode_model
from tests.cli.conftest import last_json, run, run_here
from tests.harness.sequences import ITEMS, write_log


def test_a_model_is_trained_on_a_log_and_kept_in_a_file(tmp_path: Path) -> None:
    data, out = write_log(tmp_path / "log", users=60, steps=12), tmp_path / "file" / "sequence"
    words = ("train", "sequence", "--data", str(data), "--to", str(out), "--json")
    first = run(*words, "--minutes", "0", variables={"home": str(tmp_path / "home")})
    # A file that cannot be written costs no training.
    out.parent.write_bytes(b"")
    failed = run(*words, variables={"home": str(tmp_path / "home")})
    out.parent.unlink()
    done = run(*words, variables={"home": str(tmp_path / "home")})
    assert done.returncode == 0, done.stderr
    found = last_json(done)

    assert (first.returncode, last_json(first)["is_over"]) == (1, False)
    assert "going on after epoch 1" in failed.stderr
    assert (failed.returncode, "cannot be written" in failed.stderr) == (2, True)
    assert f"going on after epoch {found['epochs']}" in done.stderr
    assert [*(tmp_path / "home" / "sequence").glob("*.checkpoint")] == []
    assert found["hit_at_10"] > found["popular_hit_at_10"]
    assert len(decode_model(out.read_bytes()).keys) == found["items"] == ITEMS


@pytest.mark.parametrize(
    ("events", "says"), [("u1,a,click,1\nu2,a,click,2", "no user"), ("u1,a,view,1", "no user"), ("", "no event")]
)
def test_a_log_in_which_nothing_can_be_learned_is_refused(tmp_path: Path, events: str, says: str) -> None:
    (tmp_path / "events.csv").write_text(f"user,item,type,time\n{events}")
    words = ("train", "sequence", "--data", str(tmp_path), "--to", "x")
    done = run_here(*words, variables={"home": str(tmp_path / "home")})
    assert (done.returncode, says in done.stderr) == (2, True)


@pytest.mark.parametrize("place", ["models/", "s3://models", "s3://models/../x", "ftp://x/y"])
def test_a_place_that_is_none_is_refused_before_the_training(tmp_path: Path, place: str) -> None:
    words = ("train", "sequence", "--data", str(tmp_path), "--to", place)
    refused = run_here(*words, variables={"home": str(tmp_path / "home")})
    assert (refused.returncode, f"--to {place}" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--to", "x"), "--from-kafka"),
        (("--from-kafka", "--data", ".", "--to", "x"), "--from-kafka"),
        (("--data", "."), "SIGHTLINE_SEQUENCE"),
    ],
)
def test_what_to_learn_from_and_where_to_is_asked_for(words: tuple[str, ...], says: str) -> None:
    refused = run_here("train", "sequence", *words, variables={})
    assert (refused.returncode, says in refused.stderr) == (2, True)
