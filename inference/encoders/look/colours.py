"""Where which colours are, as the network does not say it: soft histograms of hue, saturation and value."""

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

_HUES: Final = 12
_SATURATIONS: Final = 4
_VALUES: Final = 4
#: A pixel is the mean of this many pixels squared, so that saving a picture again moves it little.
_POOLED: Final = 4
#: Numbers of a picture: one histogram of all of it, one of its middle, half as wide and high.
SIZE: Final = 2 * _HUES * _SATURATIONS * _VALUES
_LEAST: Final = 1e-6


def colours(pixels: Tensor) -> Tensor:
    """Square roots of the shares of the colours, float32 [n, 384], of uint8 pixels [n, 224, 224, 3].

    A pixel counts in the two nearest bins of each axis, by its distance to their middles; the root makes the
    scalar product of two histograms their Bhattacharyya coefficient. Each half has unit length.
    """
    small = avg_pool2d(pixels.permute(0, 3, 1, 2).float() / 255, _POOLED)
    hue, saturation, value = _hsv(small)
    hues = _near(hue * _HUES, _HUES, around=True)
    others = _near(saturation * (_SATURATIONS - 1), _SATURATIONS).unsqueeze(2)
    others = (others * _near(value * (_VALUES - 1), _VALUES).unsqueeze(1)).flatten(1, 2)
    edge = small.shape[-1] // 4
    middle = slice(edge, small.shape[-1] - edge)
    return torch.cat([_joint(hues, others), _joint(hues[..., middle, middle], others[..., middle, middle])], dim=1)


def _hsv(pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value, each [n, h, w] within 0 and 1 (Smith 1978), of RGB [n, 3, h, w]; grey has hue 0."""
    red, green, blue = pixels.unbind(1)
    value, least = pixels.amax(1), pixels.amin(1)
    chroma = value - least
    divisor = chroma.clamp(min=_LEAST)
    sixths = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    hue = sixths / 6
    return hue - hue.floor(), chroma / value.clamp(min=_LEAST), value


def _near(places: Tensor, bins: int, *, around: bool = False) -> Tensor:
    """How much of each pixel [n, h, w] is in each bin: [n, bins, h, w]; `around` joins the last bin to the first."""
    distances = (places.unsqueeze(1) - torch.arange(bins, device=places.device).view(1, bins, 1, 1)).abs()
    if around:
        distances = torch.minimum(distances, bins - distances)
    return (1 - distances).clamp(min=0)


def _joint(hues: Tensor, others: Tensor) -> Tensor:
    counts = torch.bmm(hues.flatten(2), others.flatten(2).transpose(1, 2)).flatten(1)
    return (counts / counts.sum(dim=1, keepdim=True)).sqrt()
