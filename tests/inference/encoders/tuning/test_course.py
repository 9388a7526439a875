"""A training that is killed, damaged, out of space or out of time."""

import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference.encoders.look.fit import Labelled
from inference.encoders.look.projection import Weights
from inference.encoders.tuning.course import TimeUp, Watching, tune
from inference.encoders.tuning.fitting import described
from inference.encoders.tuning.losses import unfaithfulness
from inference.encoders.tuning.network import replace_weights
from inference.encoders.tuning.training import Course
from inference.errors import ModelRefused
from tests.harness.full_disk import fill_disk
from tests.harness.paths import ROOT
from tests.harness.tiny_network import stripes, tiny_encoder

SHORT = Course(rounds=3, least=5, batch=8, warm_up=2)
#: Tunes in the folder and kills itself as soon as the checkpoint of step 10 is there.
_KILLED = """
import os, signal, sys

import torch
from pathlib import Path
from inference.encoders.tuning.course import Watching
from tests.inference.encoders.tuning.test_course import SHORT, trained

torch.set_num_threads(1)

def die(line):
    if line.startswith("step 10 "):
        os.kill(os.getpid(), signal.SIGKILL)

trained(SHORT, Watching(Path(sys.argv[1]), progress=die))
"""


def data() -> Labelled:
    return described(tiny_encoder(), stripes())


def trained(course: Course, watching: Watching, *, seed: int = 1) -> Weights:
    pictures = described(tiny_encoder(), stripes(labels=32, photos=2)) if course.paired else data()
    return tune(tiny_encoder(), [pictures], course, seed=seed, watching=watching)


def same(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


def folder(home: Path, name: str) -> Path:
    (home / name).mkdir()
    return home / name


@dataclass(frozen=True, slots=True)
class Whole:
    """A training that nothing stopped: its weights, and its checkpoint."""

    weights: Weights
    checkpoint: Path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    home = tmp_path_factory.mktemp("whole")
    weights = trained(SHORT, Watching(home))
    (checkpoint,) = home.iterdir()
    return Whole(weights, checkpoint)


@pytest.mark.parametrize("paired", [False, True])
def test_a_training_learns(tmp_path: Path, *, paired: bool) -> None:
    lines: list[str] = []
    course = replace(SHORT, rounds=16, patience=16, rate=3e-3, faithfulness=0.0, paired=paired)
    trained(course, Watching(tmp_path, progress=lines.append))

    losses = [float(line.split()[3].rstrip(",")) for line in lines if line.startswith("round")]
    assert np.mean(losses[-4:]) < np.mean(losses[:4])


def test_the_same_seed_gives_the_same_network_and_another_one_another(tmp_path: Path, whole: Whole) -> None:
    first = whole.weights

    assert same(first, trained(SHORT, Watching(folder(tmp_path, "again"))))
    assert not same(first, trained(SHORT, Watching(folder(tmp_path, "other")), seed=2))
    assert {each.dtype for each in first.values()} == {np.dtype(np.float16)}


def test_a_training_that_was_killed_goes_on_and_ends_as_if_nothing_had_stopped_it(tmp_path: Path, whole: Whole) -> None:
    killed = folder(tmp_path, "killed")
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(killed)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL

    lines: list[str] = []
    rest = trained(SHORT, Watching(killed, progress=lines.append))
    assert lines[0] == "going on after step 10 of 15"
    assert same(rest, whole.weights)
    lines.clear()
    again = trained(SHORT, Watching(killed, progress=lines.append))
    assert same(again, whole.weights)  # it is over, and not made again
    assert lines == ["going on after step 15 of 15"]


def test_a_training_with_other_settings_or_of_another_network_has_a_checkpoint_of_its_own(tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    trained(SHORT, watching)
    trained(replace(SHORT, rate=1e-3), watching)
    trained(SHORT, watching, seed=2)
    other = tiny_encoder()
    with torch.no_grad():
        next(other.parameters()).mul_(1.5)
    tune(other, [data()], SHORT, seed=1, watching=watching)

    assert len([*tmp_path.iterdir()]) == 4
    watching.clear()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", None])
def test_a_checkpoint_that_is_damaged_or_of_another_network_is_refused(
    tmp_path: Path, whole: Whole, content: bytes | None
) -> None:
    if content is None:  # that of other pictures, under this one's name
        other = described(tiny_encoder(), stripes(labels=3))
        tune(tiny_encoder(), [other], SHORT, seed=1, watching=Watching(folder(tmp_path, "other")))
        content = next((tmp_path / "other").iterdir()).read_bytes()
    (tmp_path / whole.checkpoint.name).write_bytes(content)

    with pytest.raises(ModelRefused, match="is damaged: remove it"):
        trained(SHORT, Watching(tmp_path))


def test_where_no_space_is_left_it_is_said_and_no_half_of_a_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        trained(SHORT, Watching(tmp_path))
    assert [*tmp_path.iterdir()] == []


def test_when_the_time_is_up_the_training_is_kept_for_another_time(tmp_path: Path, whole: Whole) -> None:
    with pytest.raises(TimeUp, match="step 0 of 15"):
        trained(SHORT, Watching(tmp_path, until=0))
    assert same(trained(SHORT, Watching(tmp_path)), whole.weights)


def test_a_training_ends_once_what_is_held_out_gets_no_better_and_gives_the_weights_of_before(tmp_path: Path) -> None:
    lines: list[str] = []
    hasty = replace(SHORT, rounds=40, patience=1, rate=0.1)
    found = trained(hasty, Watching(tmp_path, progress=lines.append))
    rounds = [line for line in lines if line.startswith("round")]
    held_out = [float(line.split()[-1]) for line in rounds]

    assert len(rounds) < 40
    assert held_out.index(min(held_out)) == len(held_out) - 2
    (checkpoint,) = tmp_path.iterdir()
    best = torch.load(checkpoint, weights_only=True)["best"]
    assert best["number"] == len(rounds) - 1
    assert same(found, {name: each.numpy() for name, each in best["weights"].items()})


def test_one_label_alone_is_nothing_to_learn_and_one_picture_of_a_label_is_something(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to tell apart"):
        tune(tiny_encoder(), [described(tiny_encoder(), stripes(labels=1))], SHORT, seed=0, watching=Watching(tmp_path))
    few = data().some(np.arange(48) >= 11)  # one photo of the first label
    assert tune(tiny_encoder(), [few], SHORT, seed=0, watching=Watching(tmp_path))


def test_a_loss_that_is_no_number_gives_no_network(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no round is a number"):
        trained(replace(SHORT, rate=1e30), Watching(tmp_path))


def test_faithfulness_holds_the_network_near_what_it_was(tmp_path: Path) -> None:
    def moved(faithfulness: float) -> float:
        course = replace(SHORT, rate=3e-3, faithfulness=faithfulness)
        encoder, pictures = tiny_encoder(), data()
        replace_weights(encoder.network, trained(course, Watching(tmp_path)))
        ours, theirs = (torch.from_numpy(each.pooled) for each in (described(encoder, pictures), pictures))
        return float(unfaithfulness(ours, theirs))

    assert moved(1000.0) < moved(0.0)
