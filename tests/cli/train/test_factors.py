from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from benchmarks.evaluation.log import Event, Log
from cli.train.factors import Plan, _judge
from features.item import key_of
from inference.factors.file import decode_factors, encode_factors
from inference.factors.verdict import NOT_JUDGED
from tests.cli.conftest import last_json, run, run_here
from tests.cli.train.test_ranker import write_log
from tests.harness.factors import factors_of


def test_factors_are_trained_on_a_log_and_kept_in_a_file(tmp_path: Path) -> None:
    data, out = write_log(tmp_path / "log", users=30, steps=10), tmp_path / "factors"
    done = run("train", "factors", "--data", str(data), "--to", str(out), "--dimensions", "8", "--json", variables={})
    assert done.returncode == 0, done.stderr
    found, factors = last_json(done), decode_factors(out.read_bytes())

    assert (found["items"], found["dimensions"], found["users"]) == (60, 8, 30)
    assert (len(factors.keys), key_of("i1") in factors.keys) == (60, True)


def test_without_to_the_file_is_where_workers_read_it(tmp_path: Path) -> None:
    data, out = write_log(tmp_path / "log", users=30, steps=10), tmp_path / "factors"
    done = run_here("train", "factors", "--data", str(data), variables={"factors": out.as_uri()})

    assert done.returncode == 0, done.stderr
    assert len(decode_factors(out.read_bytes()).keys) == 60
    assert "that needs 200 trained items with a look, or as many with words, and 0 have a look, 0 words" in done.stdout


def test_factors_that_are_worse_than_those_in_the_file_are_not_kept(tmp_path: Path) -> None:
    log, out = write_log(tmp_path / "log", users=30, steps=40), tmp_path / "factors"
    words = ("train", "factors", "--to", str(out), "--dimensions", "8", "--regularization", "1", "--json", "--data")
    first = run_here(*words, str(log), variables={})
    assert first.returncode == 0, first.stderr
    in_use = decode_factors(out.read_bytes())
    # The events of the first log are gone, and users choose anything for a while.
    later = shuffled(tmp_path / "later", after_ms=in_use.until_ms)
    worse = run_here(*words, str(later), variables={})

    assert (worse.returncode, last_json(worse)["is_kept"]) == (1, False), worse.stderr
    assert last_json(worse)["ndcg"] < last_json(worse)["ndcg_in_use"]
    assert decode_factors(out.read_bytes()).keys.tolist() == in_use.keys.tolist()
    # A file that this release cannot read is no reason to keep nothing.
    out.write_bytes(b"damaged")
    assert run_here(*words, str(later), variables={}).returncode == 0


def test_the_files_of_a_shop_are_no_choices() -> None:
    clicks = [Event(f"u{user}", f"i{(user + step) % 20}", "click", step) for user in range(20) for step in range(5)]
    uploads = [Event("shop", f"new{number}", "upload", 100) for number in range(50)]
    log = Log([*clicks, *uploads])
    factors = Plan(dimensions=4, regularization=1.0, seed=1).train(log, [*log.events], looks=0)
    assert set(factors.keys.tolist()) == {key_of(f"i{number}") for number in range(20)}
    assert factors.until_ms == 4
    assert [user for user, _, _ in log.choices()] == [event.user for event in clicks]


def test_a_log_that_goes_on_is_trained_again(tmp_path: Path) -> None:
    out = tmp_path / "factors"
    words = ("train", "factors", "--to", str(out), "--dimensions", "8", "--json", "--data")
    done = [
        run_here(*words, str(write_log(tmp_path / f"log{steps}", users=30, steps=steps)), variables={})
        for steps in (20, 40)
    ]
    assert [each.returncode for each in done] == [0, 0], done[1].stderr
    assert [last_json(each)["questions"] > 0 for each in done] == [False, True]


def test_a_training_is_not_judged_by_few_questions_however_many_choices_came(tmp_path: Path) -> None:
    (tmp_path / "factors").write_bytes(encode_factors(replace(factors_of({"i0": (1.0, 0.0)}), until_ms=1)))
    # All users choose again what they chose, but one.
    choices = [("u0", "i0"), *((f"u{n % 10}", f"i{n % 10}") for n in range(400)), ("u0", "i1")]
    log = Log([Event(user, item, "click", 2 + at) for at, (user, item) in enumerate(choices)])

    assert _judge(log, (tmp_path / "factors").as_uri(), Plan(4, 1.0, 0), 2) == NOT_JUDGED


def shuffled(folder: Path, *, after_ms: int) -> Path:
    """A short log: in its first half users choose at random, in its second one item after the other."""
    random = Random(1)
    start = after_ms // 1000 + 1
    lines = [f"u{n % 30},i{random.randrange(60)},click,{start + n}" for n in range(300)]
    lines += [f"u{n % 30},i{(n % 30 + n // 30) % 60},click,{start + 300 + n}" for n in range(300)]
    folder.mkdir()
    (folder / "events.csv").write_text("\n".join(["user,item,type,time", *lines]))
    return folder


@pytest.mark.parametrize("place", ["models/", "s3://models", "s3://models/../x", "ftp://x/y"])
def test_a_place_that_is_none_is_refused_before_the_training(tmp_path: Path, place: str) -> None:
    words = ("train", "factors", "--data", str(tmp_path), "--to", place)
    refused = run_here(*words, variables={"home": str(tmp_path / "home")})
    assert (refused.returncode, f"--to {place}" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--to", "x"), "--from-kafka"),
        (("--from-kafka", "--data", ".", "--to", "x"), "--from-kafka"),
        (("--data", "."), "SIGHTLINE_FACTORS"),
        (("--data", ".", "--to", "x", "--every", "6"), "--from-kafka"),
        (("--from-kafka", "--to", "x", "--every", "0"), "--every"),
    ],
)
def test_what_to_learn_from_and_where_to_is_asked_for(words: tuple[str, ...], says: str) -> None:
    refused = run_here("train", "factors", *words, variables={})
    assert (refused.returncode, says in refused.stderr) == (2, True)
