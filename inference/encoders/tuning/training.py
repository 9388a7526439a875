"""The training of the later blocks, step by step: labels are told apart, and the features stay near what they were."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inference.encoders.export import Encoder
from inference.encoders.look.fit import Labelled, Recipe, discriminants
from inference.encoders.look.projection import Weights, unit
from inference.encoders.tuning.losses import Pairs, Proxies, unfaithfulness
from inference.encoders.tuning.network import tuned_parameters
from inference.encoders.tuning.pictures import Pictures
from inference.encoders.tuning.views import views


@dataclass(frozen=True, slots=True)
class Course:
    """Constants of a training: `rounds` at most; it ends after `patience` of them without a better watch.

    A round goes through all pictures once; where they are few, it goes on until it has `least` steps.
    `paired`: two views of one picture are to lie together (SimCLR), for pictures that have no label but their own.
    """

    rounds: int = 4
    patience: int = 2
    least: int = 25
    batch: int = 48
    rate: float = 3e-4
    warm_up: int = 20
    faithfulness: float = 5.0
    paired: bool = False


class Training:
    """A network that learns from sets of pictures. The same seed gives the same network, on one machine.

    What a step draws depends on the seed and its number alone.
    """

    def __init__(self, encoder: Encoder, sets: Sequence[Labelled], course: Course, seed: int) -> None:
        """`encoder` is what is tuned, and stays as it is. Raises ValueError where no set has photos of two labels."""
        self.pictures, self.step = Pictures(sets, Recipe().catalogue, paired=course.paired), 0
        self._original, self._course, self._seed = encoder, course, seed
        self.encoder = deepcopy(encoder).requires_grad_(False).to(memory_format=torch.channels_last)
        self.parameters = tuned_parameters(self.encoder.network)
        for each in self.parameters.values():
            each.requires_grad_(True)
        torch.manual_seed(seed)
        self._head = Pairs(sets[0].pooled.shape[1]) if course.paired else _proxies(sets, self.pictures)
        learned = [*self.parameters.values(), *self._head.parameters()]
        self._optimizer = torch.optim.AdamW(learned, lr=course.rate)
        #: Pictures that a step draws: those of a pair are drawn as one.
        self._count = course.batch // 2 if course.paired else course.batch
        self.steps_of_round = max(course.least, self.pictures.steps(self._count))
        self.steps = course.rounds * self.steps_of_round

    def learn(self) -> float:
        """Make the next step; its loss, in nats."""
        random = np.random.default_rng((self._seed, 1, self.step))
        for group in self._optimizer.param_groups:
            group["lr"] = self._course.rate * self._share()
        loss = self._loss(self.pictures.rows(self.step, self._count, self._seed), random)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        self._optimizer.step()
        self.step += 1
        return loss.item()

    def watch(self) -> float | None:
        """The loss on pictures that no step draws, by the same views each time; None where there are none."""
        rows, batch, random = self.pictures.watched, self._count, np.random.default_rng((self._seed, 2))
        parts = [rows[start : start + batch] for start in range(0, len(rows), batch)]
        # Of a pair alone nothing can be said.
        parts = [each for each in parts if len(each) > 1]
        with torch.no_grad():
            losses = [float(self._loss(part, random)) for part in parts]
        return float(np.average(losses, weights=[len(each) for each in parts])) if parts else None

    def weights(self) -> Weights:
        """The tuned blocks as a file keeps them."""
        return {name: each.detach().numpy().astype(np.float16) for name, each in self.parameters.items()}

    def state(self) -> dict[str, Any]:
        """What training needs to go on as if nothing had stopped it."""
        tuned = {name: each.detach() for name, each in self.parameters.items()}
        parts = {"tuned": tuned, "head": self._head.state_dict(), "optimizer": self._optimizer.state_dict()}
        return {**parts, "step": self.step}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        with torch.no_grad():
            for name, each in self.parameters.items():
                each.copy_(state["tuned"][name])
        self._head.load_state_dict(state["head"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])

    def _share(self) -> float:
        """Of the rate: it rises at first, then falls as a cosine to nothing."""
        rise = min(1.0, (self.step + 1) / self._course.warm_up)
        return float(rise * (1 + np.cos(np.pi * self.step / self.steps)) / 2)

    def _loss(self, rows: NDArray[np.int64], random: np.random.Generator) -> Tensor:
        if self._course.paired:
            rows = np.concatenate([rows, rows])
        pixels = torch.from_numpy(views(self.pictures.pixels(rows), random))
        # What has no gradient is worked out in bfloat16, in half the time, where the processor has instructions for it.
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported()):
            early = self.encoder.early(pixels).contiguous(memory_format=torch.channels_last)
            theirs = self._original.late(early)[1].float()
        ours = self.encoder.late(early.float())[1]
        head: Tensor = self._head(ours, torch.from_numpy(self.pictures.labels[rows]))
        return head + self._course.faithfulness * unfaithfulness(ours, theirs)


def _proxies(sets: Sequence[Labelled], pictures: Pictures) -> nn.Module:
    """A head that begins with the discriminant directions of the original features, and the labels' means there."""
    plain = [Labelled(unit(each.pooled), each.pooled, each.labels, each.shown) for each in sets]
    mean = np.mean([each.features.mean(axis=0) for each in plain], axis=0)
    directions = discriminants(plain, Recipe())
    rows = (np.concatenate([each.features for each in plain]) - mean) @ directions
    rows /= np.abs(rows).mean()
    proxies = np.stack([rows[pictures.labels == label].mean(axis=0) for label in range(len(pictures.sets))])
    start, axes, places = (torch.from_numpy(np.asarray(each, np.float32)) for each in (mean, directions, proxies))
    return Proxies(start, axes, places, torch.from_numpy(pictures.sets))
