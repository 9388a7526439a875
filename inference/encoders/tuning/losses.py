"""What the network is to become, what it is to stay, and how far it is from both."""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

#: Cosines become logits by this factor (a temperature of 1/16).
_SCALE: Final = 16.0
_SMOOTHING: Final = 0.1
#: The temperature of pairs, and the dimensions in which they are compared (Chen et al. 2020).
_TEMPERATURE: Final = 0.1
_PAIR_DIMENSIONS: Final = 128


class Proxies(nn.Module):
    """Normalised softmax (Zhai & Wu 2019): a picture is to lie near the proxy of its label, among those of its set.

    It works in `directions` [P, d] of unit features less `mean` [P], and begins with the labels' `proxies` [K, d], of
    which `sets` int64 [K] says the set.
    """

    mean: Tensor

    def __init__(self, mean: Tensor, directions: Tensor, proxies: Tensor, sets: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.directions, self.proxies = nn.Parameter(directions), nn.Parameter(proxies)
        self._columns = [torch.nonzero(sets == number).flatten() for number in torch.unique(sets)]

    def forward(self, pooled: Tensor, labels: Tensor) -> Tensor:
        """The mean cross-entropy of pooled features [n, P] of pictures of these labels int64 [n]."""
        rows = normalize((normalize(pooled) - self.mean) @ self.directions)
        scores = _SCALE * rows @ normalize(self.proxies).T
        total = scores.new_zeros(())
        for columns in self._columns:
            ours = torch.isin(labels, columns)
            where = torch.searchsorted(columns, labels[ours])
            total = total + cross_entropy(scores[ours][:, columns], where, label_smoothing=_SMOOTHING, reduction="sum")
        return total / len(labels)


class Pairs(nn.Module):
    """InfoNCE (van den Oord et al. 2018), as of SimCLR: a view is told from all others as the pair of its own."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(nn.init.orthogonal_(torch.empty(features, min(_PAIR_DIMENSIONS, features))))

    def forward(self, pooled: Tensor, labels: Tensor) -> Tensor:
        """The mean cross-entropy of pooled features [2m, P]: rows n and m + n are a pair, the views of one label."""
        rows = normalize(normalize(pooled) @ self.directions)
        scores = (rows @ rows.T / _TEMPERATURE).masked_fill(torch.eye(len(rows), dtype=torch.bool), -torch.inf)
        return cross_entropy(scores, torch.arange(len(labels)).roll(len(labels) // 2))


def unfaithfulness(ours: Tensor, theirs: Tensor) -> Tensor:
    """How far pooled features [n, P] are from the original network's, and their cosines from its cosines."""
    ours, theirs = normalize(ours), normalize(theirs)
    return (ours @ ours.T - theirs @ theirs.T).square().mean() + (1 - (ours * theirs).sum(dim=1)).mean()
