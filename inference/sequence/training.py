"""The training of the net, epoch by epoch: each choice is to be told from other items by the choices before it."""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inference.sequence.histories import Histories, known_ids, pieces
from inference.sequence.network import DIMENSIONS, DROPOUT, HIDDEN, ID_DROPOUT, Network

#: Choices in one piece of a history, pieces in one step, and items that a choice is told from in it.
PIECE: Final = 64
BATCH: Final = 16
NEGATIVES: Final = 4096
RATE: Final = 2e-3
#: What shrinks the weights: a log has few choices for so many of them.
DECAY: Final = 1e-2
#: Steps have gradients of this length at most (Pascanu et al. 2013).
_CLIP: Final = 1.0


def settings() -> tuple[float, ...]:
    """All constants that decide what is learned."""
    return DIMENSIONS, HIDDEN, ID_DROPOUT, DROPOUT, PIECE, BATCH, NEGATIVES, RATE, DECAY


class Training:
    """A net that learns from the first `count` choices of some histories. The same seed gives the same net.

    Its randomness is that of torch, which is seeded here.
    """

    def __init__(self, histories: Histories, count: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.ids = known_ids(histories.items[:count], len(histories.keys))
        self._users, self._items = histories.users[:count], torch.from_numpy(histories.items[:count])
        self._facts = torch.from_numpy(self.ids), torch.from_numpy(histories.categories + 1)
        self._pictures = torch.from_numpy(histories.pictures)
        #: Items that are chosen at all: what nobody chose teaches nothing of what is chosen rather.
        self._pool = torch.unique(self._items)
        self.network = Network(int(self.ids.max()), len(histories.category_names), histories.pictures.shape[1])
        self._optimizer = torch.optim.AdamW(self.network.parameters(), lr=RATE, weight_decay=DECAY)

    def learn(self) -> float:
        """Learn from all choices once; the mean loss, in nats."""
        self.network.train()
        offsets = torch.randint(PIECE, (int(self._users.max()) + 1,)).numpy()
        places, following = (torch.from_numpy(each) for each in pieces(self._users, PIECE, offsets))
        losses = [self._step(places[rows], following[rows]) for rows in torch.split(torch.randperm(len(places)), BATCH)]
        return float(np.mean(losses))

    def vectors(self, items: Tensor) -> Tensor:
        """The vectors [n, d] of items [n]."""
        ids, categories = (each[items] for each in self._facts)
        vectors: Tensor = self.network.items(ids, categories, self._pictures[items].float())
        return vectors

    def state(self) -> dict[str, Any]:
        """What training needs to go on as if nothing had stopped it."""
        parts = {"network": self.network.state_dict(), "optimizer": self._optimizer.state_dict()}
        return {**parts, "random": torch.get_rng_state()}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])

    def _step(self, places: Tensor, following: Tensor) -> float:
        """One step by pieces [b, t] of histories (see `pieces`); its loss."""
        # Only items of the step have vectors. What pads is after all choices, so that nothing follows from it.
        drawn = self._pool[torch.randperm(len(self._pool))[:NEGATIVES]]
        named = [self._items[places].flatten(), self._items[following].flatten(), drawn]
        used, where = torch.unique(torch.cat(named), return_inverse=True)
        vectors = self.vectors(used)
        chosen, wanted, others = torch.split(where, [places.numel(), places.numel(), len(drawn)])
        is_asked = (following >= 0).flatten()
        wishes = self.network.users(vectors[chosen].view(*places.shape, -1)).flatten(0, 1)[is_asked]
        loss = self._loss(wishes, wanted[is_asked], others, vectors)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
        self._optimizer.step()
        return loss.item()

    def _loss(self, wishes: Tensor, wanted: Tensor, others: Tensor, vectors: Tensor) -> Tensor:
        """The cross-entropy of what was wanted [m] among `others` [k], which stand for all items."""
        known = (wishes * vectors[wanted]).sum(dim=1, keepdim=True)
        # Drawn evenly, each stands for as many items (Bengio & Senécal 2003).
        scores = wishes @ vectors[others].T + np.log(len(self._pool) / len(others))
        scores = scores.masked_fill(wanted[:, None] == others, -torch.inf)
        first = torch.zeros(len(wanted), dtype=torch.long)
        return nn.functional.cross_entropy(torch.cat([known, scores], dim=1), first)


def queries(training: Training, chosen: list[NDArray[np.int64]]) -> NDArray[np.float32]:
    """The vectors of users, float32 [u, d], who chose these items [1 or more], the latest last."""
    counts = torch.tensor([*map(len, chosen)])
    padded = nn.utils.rnn.pad_sequence([torch.from_numpy(each) for each in chosen], batch_first=True)
    training.network.eval()
    with torch.inference_mode():
        vectors = training.vectors(padded.flatten()).view(*padded.shape, -1)
        wished = training.network.users(vectors)[torch.arange(len(chosen)), counts - 1]
    return wished.numpy()
