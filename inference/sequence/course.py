"""Trains a sequence model until what is held out gets no better, with a checkpoint after each epoch."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from inference.checkpoint import read_checkpoint, write_checkpoint
from inference.curves import Watch
from inference.sequence.held_out import HeldOut, Judged
from inference.sequence.histories import Histories, check
from inference.sequence.model import SequenceModel
from inference.sequence.network import Network
from inference.sequence.training import Training, settings

#: Epochs without a better nDCG after which training ends, and the most epochs.
PATIENCE: Final = 10
EPOCHS: Final = 200


@dataclass(slots=True)
class Course:
    """How far a training is: its epochs, the best of them, how that was judged, and what the net was then."""

    epochs: int = 0
    best: int = 0
    judged: Sequence[float] = (0.0, 0.0)
    network: dict[str, Any] = field(default_factory=dict)

    def add(self, judged: Judged, network: Network) -> None:
        """Add an epoch."""
        self.epochs += 1
        if not self.best or judged.ndcg > self.judged[1]:
            self.best, self.judged = self.epochs, [*judged]
            self.network = {name: each.clone() for name, each in network.state_dict().items()}

    @property
    def is_over(self) -> bool:
        """Whether more epochs are unlikely to help."""
        return self.epochs - self.best >= PATIENCE or self.epochs >= EPOCHS


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, how it was `judged` by `questions` choices that were held out, and how the most popular items were.

    `is_over` is False where the time was up before the end. `checkpoint` is the file from which the same training goes
    on, or gives the same model again: it is for the caller to remove, once the model is kept.
    """

    model: SequenceModel
    judged: Judged
    popular: Judged
    questions: int
    epochs: int
    is_over: bool
    checkpoint: Path | None = None


def train(
    histories: Histories,
    *,
    seed: int,
    folder: Path | None = None,
    seconds: float = float("inf"),
    progress: Callable[[str], None] = lambda _: None,
    watch: Watch | None = None,
) -> Trained:
    """Train on one thread, for `seconds` or little more.

    In the `folder`, which exists, a checkpoint keeps each epoch: the same log and seed go on from it.
    `watch` is called with each epoch and its figures. Raises NothingToLearn, and ModelRefused for a
    checkpoint that is damaged.
    """
    check(histories)
    torch.set_num_threads(1)
    held_out = HeldOut(histories)
    # What is left to learn from is to have an order, too.
    check(replace(histories, users=histories.users[: held_out.count], items=histories.items[: held_out.count]))
    training, course = Training(histories, held_out.count, seed), Course()
    checkpoint = None if folder is None else folder / f"{_name(histories, seed)}.checkpoint"
    if checkpoint is not None and checkpoint.exists():
        course = read_checkpoint(checkpoint, partial(_resume, training))
        progress(f"going on after epoch {course.epochs}")
    began = time.monotonic()
    while not course.is_over:
        loss, judged = training.learn(), held_out.judge(training)
        course.add(judged, training.network)
        if checkpoint is not None:
            write_checkpoint(checkpoint, {"training": training.state(), "course": asdict(course)})
        if watch is not None:
            watch(course.epochs, {"loss": loss, "hit_at_10": judged.hit, "ndcg_at_10": judged.ndcg})
        figures = f"loss {loss:.3f}, hit@10 {judged.hit:.4f}, nDCG@10 {judged.ndcg:.4f}"
        progress(f"epoch {course.epochs}: {figures} (best: epoch {course.best})")
        if time.monotonic() - began >= seconds:
            break
    training.network.load_state_dict(course.network)
    model, popular = _model(training, histories), held_out.judge_popular()
    judged, questions = Judged(*course.judged), len(held_out.questions)
    return Trained(model, judged, popular, questions, course.epochs, course.is_over, checkpoint)


def _model(training: Training, histories: Histories) -> SequenceModel:
    net, known = training.network, np.flatnonzero(training.ids)
    order = np.argsort(histories.keys[known])
    ids = net.ids.weight.detach().numpy()
    return SequenceModel(
        until_ms=histories.until_ms,
        encoder=histories.encoder,
        keys=histories.keys[known][order],
        ids=np.vstack([ids[:1], ids[training.ids[known][order]]]),
        category_names=histories.category_names,
        categories=net.categories.weight.detach().numpy(),
        pictures=net.pictures.detach().numpy(),
        tower=net.tower(),
    )


def _name(histories: Histories, seed: int) -> str:
    """A digest of all that decides a training."""
    digest = sha256(repr((seed, PATIENCE, settings(), histories.category_names, histories.encoder)).encode())
    for each in (histories.users, histories.items, histories.keys, histories.categories, histories.pictures):
        digest.update(np.ascontiguousarray(each).data)
    return digest.hexdigest()[:16]


def _resume(training: Training, saved: Mapping[str, Any]) -> Course:
    training.resume(saved["training"])
    return Course(**saved["course"])
