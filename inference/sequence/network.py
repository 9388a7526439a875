"""The net: an item's vector from what is known of it, and a user's from the vectors of the items chosen."""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from inference.sequence.user_tower import UserTower

#: Numbers of a vector, and of what the net remembers of a user.
DIMENSIONS: Final = 64
HIDDEN: Final = 64
#: How often an item is learned as if its id were unknown, so that picture and category come to stand for it
#: (Volkovs, Yu & Poutanen 2017, "DropoutNet").
ID_DROPOUT: Final = 0.1
DROPOUT: Final = 0.5
_SPREAD: Final = 0.1


class Network(nn.Module):
    """A gated recurrent unit over vectors of items (Hidasi et al. 2016), whose output is compared with these vectors.

    An item's vector is the sum of that of its id (0: unknown), that of its category (0: unknown) and a linear map of
    its picture.
    """

    def __init__(self, ids: int, categories: int, picture: int) -> None:
        super().__init__()
        self.ids = nn.Embedding(ids + 1, DIMENSIONS)
        self.categories = nn.Embedding(categories + 1, DIMENSIONS)
        self.pictures = nn.Parameter(torch.zeros(picture, DIMENSIONS))
        self.memory = nn.GRU(DIMENSIONS, HIDDEN, batch_first=True)
        self.wish = nn.Linear(HIDDEN, DIMENSIONS, bias=False)
        self._dropout = nn.Dropout(DROPOUT)
        for table in (self.ids, self.categories):
            nn.init.normal_(table.weight, std=_SPREAD)

    def items(self, ids: Tensor, categories: Tensor, pictures: Tensor) -> Tensor:
        """The vectors [n, DIMENSIONS] of items with these ids [n], categories [n] and pictures [n, p]."""
        if self.training:
            ids = ids * (torch.rand(ids.shape) >= ID_DROPOUT)
        vectors: Tensor = self.ids(ids) + self.categories(categories) + pictures @ self.pictures
        return vectors

    def users(self, chosen: Tensor) -> Tensor:
        """The vectors of users after each item that they chose, from the items' vectors; both [n, t, DIMENSIONS]."""
        remembered, _ = self.memory(self._dropout(chosen))
        wished: Tensor = self.wish(self._dropout(remembered))
        return wished

    def tower(self) -> UserTower:
        """What reads a user's choices, as lists are made with it."""
        weights = {name: each.detach().numpy() for name, each in self.memory.named_parameters()}
        return UserTower(
            weights["weight_ih_l0"].T.copy(),
            weights["weight_hh_l0"].T.copy(),
            np.stack([weights["bias_ih_l0"], weights["bias_hh_l0"]]),
            self.wish.weight.detach().numpy().T.copy(),
        )
