"""Tunes the network until pictures that it never learns from get no better, with a checkpoint every few steps."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from inference.checkpoint import read_checkpoint, write_checkpoint
from inference.curves import Watch
from inference.encoders.export import Encoder
from inference.encoders.look.fit import Labelled
from inference.encoders.look.projection import Weights
from inference.encoders.tuning.training import Course, Training

_KEPT_EVERY: Final = 10


class TimeUp(Exception):
    """The time was up before the end; the same training goes on from its checkpoint."""


@dataclass(frozen=True, slots=True)
class Watching:
    """Where trainings keep their checkpoints, when they end at the latest, and who is told how they go.

    `until` is a time of time.monotonic. The folder exists. `curves` makes what is given the figures of each round.
    """

    folder: Path
    until: float = float("inf")
    progress: Callable[[str], None] = lambda _: None
    curves: Callable[[Path], Watch | None] = lambda _: None

    def clear(self) -> None:
        """Remove the checkpoints, of this and of other trainings."""
        for checkpoint in self.folder.glob("*.checkpoint"):
            checkpoint.unlink(missing_ok=True)


@dataclass(slots=True)
class _Best:
    """The round with the least loss on what is watched; the last one, where nothing is."""

    number: int = 0
    loss: float = float("inf")
    weights: dict[str, Any] = field(default_factory=dict)

    def add(self, number: int, loss: float | None, training: Training) -> None:
        if loss is None or loss < self.loss:
            self.number, self.loss = number, self.loss if loss is None else loss
            self.weights = {name: torch.from_numpy(each) for name, each in training.weights().items()}


def tune(encoder: Encoder, sets: Sequence[Labelled], course: Course, *, seed: int, watching: Watching) -> Weights:
    """The weights of the network after it learned from these sets of pictures with pixels.

    A training that was killed goes on from its last checkpoint, and ends as if nothing had stopped it; one that was
    over is not made again, until its checkpoint is removed. Raises TimeUp; ModelRefused for a checkpoint that is
    damaged; OSError where none can be written; ValueError where there are no two labels to tell apart, or the loss of
    no round is a number.
    """
    training, best, name = Training(encoder, sets, course, seed), _Best(), _name(encoder, sets, course, seed)
    checkpoint, curves = watching.folder / f"{name}.checkpoint", watching.curves(watching.folder / "curves" / name)
    if checkpoint.exists():
        best = read_checkpoint(checkpoint, partial(_resume, training))
        watching.progress(f"going on after step {training.step} of {training.steps}")
    began, first, losses = time.monotonic(), training.step, []
    while not _is_over(training, best, course):
        if time.monotonic() >= watching.until:
            _keep(checkpoint, training, best)
            raise TimeUp(f"step {training.step} of {training.steps}")
        losses.append(training.learn())
        number, into = divmod(training.step, training.steps_of_round)
        if not into:
            watched = training.watch()
            best.add(number, watched, training)
            figures = {"loss": float(np.mean(losses[-training.steps_of_round :]))}
            figures |= {} if watched is None else {"loss_held_out": watched}
            watching.progress(f"round {number}: " + ", ".join(f"{each} {figures[each]:.3f}" for each in figures))
            if curves is not None:
                curves(number, figures)
        if not into or training.step % _KEPT_EVERY == 0:
            _keep(checkpoint, training, best)
            left = (time.monotonic() - began) / (training.step - first) * (training.steps - training.step) / 60
            watching.progress(f"step {training.step} of {training.steps}: {left:,.0f} minutes left at most")
    if not best.weights:
        raise ValueError("the loss of no round is a number: the pictures cannot be learned from")
    return {name: each.numpy() for name, each in best.weights.items()}


def _is_over(training: Training, best: _Best, course: Course) -> bool:
    number = training.step // training.steps_of_round
    return training.step >= training.steps or number - best.number >= course.patience


def _name(encoder: Encoder, sets: Sequence[Labelled], course: Course, seed: int) -> str:
    """A digest of all that decides a training."""
    digest = sha256(repr((seed, course)).encode())
    for weights in encoder.state_dict().values():
        digest.update(weights.numpy().tobytes())
    for each in sets:
        for array in (each.pixels, each.labels, each.shown):
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def _keep(path: Path, training: Training, best: _Best) -> None:
    of_best = {"number": best.number, "loss": best.loss, "weights": best.weights}
    write_checkpoint(path, {"training": training.state(), "best": of_best})


def _resume(training: Training, saved: Mapping[str, Any]) -> _Best:
    training.resume(saved["training"])
    return _Best(**saved["best"])
