"""The weights that tuning changes: what they are called, and how a file's replace the network's own."""

import re
from typing import Final

import numpy as np
import torch
from torch import nn

from inference.encoders.look.projection import Weights

#: Blocks that no tuning changes: they see edges and textures, which every picture has.
EARLY: Final = 3
_LATE_BLOCK: Final = re.compile(r"blocks\.(\d+)\.")


def tuned_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """The convolutions after the first EARLY blocks, by name; the norms keep what a million pictures taught them."""
    return {name: each for name, each in network.named_parameters() if each.ndim == 4 and _is_late(name)}


def replace_weights(network: nn.Module, weights: Weights) -> None:
    """Give the network these weights; raises ValueError where they are not those of tuning, all or none."""
    tuned = tuned_parameters(network)
    if not weights:
        return
    if weights.keys() != tuned.keys():
        raise ValueError(f"{len(weights)} weights, of which {len(weights.keys() & tuned.keys())} are known by name")
    with torch.no_grad():
        for name, parameter in tuned.items():
            found = weights[name]
            if found.shape != parameter.shape or found.dtype != np.float16 or not np.isfinite(found).all():
                raise ValueError(f"{name} is {found.dtype} {found.shape}: finite float16 {tuple(parameter.shape)}")
            parameter.copy_(torch.from_numpy(found))


def _is_late(name: str) -> bool:
    block = _LATE_BLOCK.match(name)
    return name.startswith("conv_head.") if block is None else int(block[1]) >= EARLY
