"""Renders the demo's page as one self-contained HTML file."""

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

from benchmarks.report.frame import framed
from cli.demo.story import Chapter, Figure, Story, Tile
from features.printable import printable

_PAGE = Path(__file__).with_suffix(".html")


def render_page(story: Story, thumbnails: Mapping[str, bytes]) -> str:
    """The story as HTML with embedded pictures. `thumbnails` are JPEG by item id; a missing one stays blank."""
    body = Template(_PAGE.read_text(encoding="utf-8")).substitute(
        figures="".join(map(_figure, story.figures)),
        chapters="\n".join(_chapter(chapter, thumbnails) for chapter in story.chapters),
        footer=_shown(story.footer),
    )
    return framed("Sightline demo", _PAGE.with_suffix(".css"), body)


def _shown(text: str) -> str:
    return escape(printable(text))


def _figure(figure: Figure) -> str:
    return (
        f"<li><b>{_shown(figure.value)}</b> <small>{_shown(figure.unit)}</small>"
        f"<span>{_shown(figure.about)}</span></li>"
    )


def _chapter(chapter: Chapter, thumbnails: Mapping[str, bytes]) -> str:
    return f"""<section>
<header><h2>{_shown(chapter.name)} likes <em>{_shown(chapter.taste)}</em></h2>
<span class="score">{chapter.fitting} of {len(chapter.feed)} to {_shown(chapter.name)}’s taste</span></header>
<div class="columns">
<div><h3>Clicked</h3><ul class="tiles clicked">{_tiles(chapter.clicked, thumbnails)}</ul></div>
<div><h3>Was then recommended</h3><ol class="tiles feed">{_tiles(chapter.feed, thumbnails)}</ol></div>
</div>
</section>"""


def _tiles(tiles: tuple[Tile, ...], thumbnails: Mapping[str, bytes]) -> str:
    return "".join(_tile(tile, thumbnails.get(tile.item_id)) for tile in tiles)


def _tile(tile: Tile, thumbnail: bytes | None) -> str:
    kind = ' class="fits"' if tile.fits and tile.why else ""
    source = f"data:image/jpeg;base64,{b64encode(thumbnail).decode()}" if thumbnail else "data:,"
    title = _shown(tile.title).replace("-", "&#8209;")  # no line ends inside a T-shirt
    why = f"<span>{_shown(tile.why)}</span>" if tile.why else ""
    return f'<li{kind}><img src="{source}" alt="{_shown(tile.title)}"><strong>{title}</strong>{why}</li>'
