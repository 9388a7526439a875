"""The network of all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957; Reimers and Gurevych 2019, arXiv:1908.10084).

BERT (Devlin et al. 2018) of 6 layers, and the mean of its last layer as a unit vector. Needs torch.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from features.words.item_words import DIMENSIONS

LAYERS: Final = 6
_HEADS: Final = 12
_INNER: Final = 4 * DIMENSIONS
_VOCABULARY: Final = 30_522
_POSITIONS: Final = 512
_EPSILON: Final = 1e-12


class Tower(nn.Module):
    """Tokens int64 [n, length], without padding → unit vectors float32 [n, DIMENSIONS]."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = nn.Embedding(_VOCABULARY, DIMENSIONS)
        self.positions = nn.Embedding(_POSITIONS, DIMENSIONS)
        self.kinds = nn.Embedding(2, DIMENSIONS)
        self.norm = nn.LayerNorm(DIMENSIONS, eps=_EPSILON)
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the unit vectors."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x: Tensor = self.norm(self.pieces(tokens) + self.positions(places) + self.kinds.weight[0])
        for layer in self.layers:
            x = layer(x)
        return functional.normalize(x.mean(dim=1), dim=1)


class _Layer(nn.Module):
    """Attention of all pieces to all, then a network of one hidden layer; each is added to what went in."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(DIMENSIONS, DIMENSIONS)
        self.key = nn.Linear(DIMENSIONS, DIMENSIONS)
        self.value = nn.Linear(DIMENSIONS, DIMENSIONS)
        self.attended = nn.Linear(DIMENSIONS, DIMENSIONS)
        self.attended_norm = nn.LayerNorm(DIMENSIONS, eps=_EPSILON)
        self.inner = nn.Linear(DIMENSIONS, _INNER)
        self.outer = nn.Linear(_INNER, DIMENSIONS)
        self.outer_norm = nn.LayerNorm(DIMENSIONS, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        heads = [part(x).unflatten(2, (_HEADS, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)]
        found = functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
        x = self.attended_norm(x + self.attended(found))
        done: Tensor = self.outer_norm(x + self.outer(functional.gelu(self.inner(x))))
        return done


def renamed(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the published model by their names here; raises KeyError where one is missing."""
    embeddings = "embeddings."
    names = {
        "pieces.weight": f"{embeddings}word_embeddings.weight",
        "positions.weight": f"{embeddings}position_embeddings.weight",
        "kinds.weight": f"{embeddings}token_type_embeddings.weight",
        "norm.weight": f"{embeddings}LayerNorm.weight",
        "norm.bias": f"{embeddings}LayerNorm.bias",
    }
    parts = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attended": "attention.output.dense",
        "attended_norm": "attention.output.LayerNorm",
        "inner": "intermediate.dense",
        "outer": "output.dense",
        "outer_norm": "output.LayerNorm",
    }
    for layer in range(LAYERS):
        for ours, theirs in parts.items():
            for kind in ("weight", "bias"):
                names[f"layers.{layer}.{ours}.{kind}"] = f"encoder.layer.{layer}.{theirs}.{kind}"
    return {ours: stored[theirs] for ours, theirs in names.items()}
