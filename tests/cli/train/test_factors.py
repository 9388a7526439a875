from pathlib import Path

import pytest

from features.item import key_of
from inference.factors.file import decode_factors
from tests.cli.conftest import last_json, run
from tests.cli.train.test_ranker import write_log


def test_factors_are_trained_on_a_log_and_kept_in_a_file(tmp_path: Path) -> None:
    data, out = write_log(tmp_path / "log", users=30, steps=10), tmp_path / "factors"
    done = run("train", "factors", "--data", str(data), "--to", str(out), "--dimensions", "8", "--json", variables={})
    assert done.returncode == 0, done.stderr
    found, factors = last_json(done), decode_factors(out.read_bytes())

    assert (found["items"], found["dimensions"], found["users"]) == (60, 8, 30)
    assert (len(factors.keys), key_of("i1") in factors.keys) == (60, True)


def test_without_to_the_file_is_where_workers_read_it(tmp_path: Path) -> None:
    data, out = write_log(tmp_path / "log", users=30, steps=10), tmp_path / "factors"
    done = run("train", "factors", "--data", str(data), variables={"factors": out.as_uri()})

    assert done.returncode == 0, done.stderr
    assert len(decode_factors(out.read_bytes()).keys) == 60


@pytest.mark.parametrize("place", ["models/", "s3://models", "s3://models/../x", "ftp://x/y"])
def test_a_place_that_is_none_is_refused_before_the_training(tmp_path: Path, place: str) -> None:
    words = ("train", "factors", "--data", str(tmp_path), "--to", place)
    refused = run(*words, variables={"home": str(tmp_path / "home")})
    assert (refused.returncode, f"--to {place}" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--to", "x"), "--from-kafka"),
        (("--from-kafka", "--data", ".", "--to", "x"), "--from-kafka"),
        (("--data", "."), "SIGHTLINE_FACTORS"),
    ],
)
def test_what_to_learn_from_and_where_to_is_asked_for(words: tuple[str, ...], says: str) -> None:
    refused = run("train", "factors", *words, variables={})
    assert (refused.returncode, says in refused.stderr) == (2, True)
