"""A network of a few convolutions with the parts of EfficientNet-Lite0, and pictures that it can tell apart."""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from inference.encoders.export import Encoder
from inference.encoders.look.fit import Labelled, Layout
from inference.encoders.look.projection import Projection

#: Of three levels of 4 numbers, 300 pooled features, and colours.
LAYOUT: Final = Layout(pooled=12, colours=312)


class TinyNetwork(nn.Module):
    """Seven blocks of one convolution each; 20 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4)
        self.blocks = nn.Sequential(*(nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1, bias=False), nn.ReLU()) for _ in range(7)))
        self.conv_head, self.bn2 = nn.Conv2d(4, 300, 1, bias=False), nn.BatchNorm2d(300)
        self.classifier = nn.Linear(300, 20)

    def forward_head(self, x: Tensor, *, pre_logits: bool) -> Tensor:
        assert pre_logits
        return torch.relu(x).mean(dim=(2, 3))

    def get_classifier(self) -> nn.Linear:
        return self.classifier


def tiny_encoder() -> Encoder:
    """The same each time."""
    torch.manual_seed(0)
    columns = np.eye(312 + 384, 256, dtype=np.float32)
    unfitted = Projection(np.zeros(len(columns), np.float32), columns, np.zeros((0, 300), np.float32))
    return Encoder(TinyNetwork(), unfitted, mean=(127.0,) * 3, std=(128.0,) * 3, joined=True).eval()


def stripes(labels: int = 4, photos: int = 12, seed: int = 0) -> Labelled:
    """Photos of 32 × 32 pixels, of stripes whose width is the label, in noise; their features are yet unknown."""
    random = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(labels), photos)
    waves = np.sin(np.arange(32) * np.pi / (numbers[:, None] + 1.5) + random.random((len(numbers), 1)))
    grey = 128 + 60 * waves[:, None, :, None] + random.normal(0, 20, (len(numbers), 32, 32, 3))
    pixels = grey.clip(0, 255).astype(np.uint8)
    none = np.zeros((len(numbers), 0), np.float32)
    return Labelled(none, none, numbers, np.zeros(len(numbers), bool), pixels)
