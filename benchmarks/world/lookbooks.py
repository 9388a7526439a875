"""Clips of products, drawn from a seed: a lookbook shows four products of one colour, one after another."""

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
    colour: str
    gif: bytes


def draw_lookbooks(count: int, seed: int) -> Iterator[Lookbook]:
    """Yield `count` clips, each of another colour; the same seed gives the same bytes."""
    for number, colour in enumerate(list(COLOURS)[:count]):
        random = Random(f"{seed}/lookbook/{colour}")  # noqa: S311 (pictures, not secrets)
        categories = random.sample(CATEGORIES, PRODUCTS)
        frames = [draw(Kind(each, colour, "plain", random.choice(SILHOUETTES[each])), random) for each in categories]
        title = f"{colour.capitalize()} things: a lookbook"
        yield Lookbook(f"lookbook-{colour}-{number:04d}", title, colour, _gif(frames))


def _gif(frames: list[Image.Image]) -> bytes:
    small = [frame.resize((SIDE, SIDE), Image.Resampling.LANCZOS) for frame in frames]
    coloured = [frame.quantize(128, dither=Image.Dither.NONE) for frame in small]
    out = BytesIO()
    coloured[0].save(out, "GIF", save_all=True, append_images=coloured[1:], duration=_SHOWN_MS, loop=0)
    return out.getvalue()
