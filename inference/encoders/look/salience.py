"""Where a picture's thing lies: how far the network's activation is, cell by cell, from that at the border."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import interpolate

#: Cells a side.
SIDE: Final = 14
_LEAST: Final = 1e-6


def salience(levels: Sequence[Tensor]) -> Tensor:
    """The salience of each cell, float32 [n, 14, 14], of the activations of some blocks, each [n, c, h, w].

    What lies at the border of a photo is mostly its background (Wei, Wen, Zhu and Sun 2012). Of each block it is the
    root of the mean square by which a cell differs from the mean border cell, in shares of the root mean square of all;
    of several blocks the geometric mean, so that what all of them see counts: early ones see edges, late ones things.
    """
    logs = [_from_border(level).clamp(min=_LEAST).log() for level in levels]
    return torch.stack(logs).mean(dim=0).exp()


def _from_border(level: Tensor) -> Tensor:
    sides = [level[:, :, 0], level[:, :, -1], level[:, :, :, 0], level[:, :, :, -1]]
    border = torch.cat(sides, dim=2).mean(dim=2)[:, :, None, None]
    differing = (level - border).square().mean(dim=1).sqrt()
    shares = differing / level.square().mean(dim=(1, 2, 3)).sqrt().clamp(min=_LEAST)[:, None, None]
    return interpolate(shares[:, None], size=(SIDE, SIDE), mode="bilinear", align_corners=False)[:, 0]
