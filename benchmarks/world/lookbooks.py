"""Clips of products, drawn from a seed: a lookbook shows four products of one kind, each in another colour."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from random import Random
from typing import Final

from PIL import Image

from benchmarks.world.pictures import CATEGORIES, COLOURS, Kind, draw
from benchmarks.world.silhouettes import SILHOUETTES

SIDE: Final = 320
PRODUCTS: Final = 4
_SHOWN_MS: Final = 800


@dataclass(frozen=True, slots=True)
class Lookbook:
    """A clip: a GIF of PRODUCTS frames, SIDE × SIDE, each shown for 0.8 s."""

    item_id: str
    title: str
    category: str
    gif: bytes


def draw_lookbooks(count: int, seed: int) -> Iterator[Lookbook]:
    """Yield `count` clips, each of another kind of product; the same seed gives the same bytes."""
    for number, category in enumerate(CATEGORIES[:count]):
        random = Random(f"{seed}/lookbook/{category}")  # noqa: S311 (pictures, not secrets)
        silhouette = random.choice(SILHOUETTES[category])
        colours = random.sample(list(COLOURS), PRODUCTS)
        frames = [draw(Kind(category, colour, "plain", silhouette), random) for colour in colours]
        title = f"{category.capitalize()} in {', '.join(colours[:-1])} and {colours[-1]}"
        yield Lookbook(f"lookbook-{category}-{number:04d}", title, category, _gif(frames))


def _gif(frames: list[Image.Image]) -> bytes:
    small = [frame.resize((SIDE, SIDE), Image.Resampling.LANCZOS) for frame in frames]
    coloured = [frame.quantize(128, dither=Image.Dither.NONE) for frame in small]
    out = BytesIO()
    coloured[0].save(out, "GIF", save_all=True, append_images=coloured[1:], duration=_SHOWN_MS, loop=0)
    return out.getvalue()
