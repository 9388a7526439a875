"""A page on which a person sees what shoppers clicked, and the lists that they had."""

from base64 import b64encode
from collections.abc import Collection, Sequence
from html import escape
from pathlib import Path

from benchmarks.evaluation.measures import SHOWN
from benchmarks.evaluation.taste.judge import AFTER_CLICKS
from benchmarks.evaluation.taste.shopper import BEFORE, Visit
from benchmarks.evaluation.taste.wardrobe import Wardrobe
from benchmarks.report.frame import framed
from features.printable import printable

_STYLE = Path(__file__).with_suffix(".css")
#: Shoppers on a page.
_SHOPPERS = 8


def render_sheet(visits: Sequence[Visit], wardrobe: Wardrobe) -> str:
    """The first shoppers as one self-contained HTML page; items to the shopper's taste are framed."""
    shoppers = "\n".join(_shopper(visit, wardrobe) for visit in visits[:_SHOPPERS])
    about = f"The clicks, then the first {SHOWN} slots of the list; framed: of the classes that the shopper likes."
    return framed("Shoppers", _STYLE, f"<header><h1>Shoppers</h1><p>{about}</p></header>\n{shoppers}")


def _shopper(visit: Visit, wardrobe: Wardrobe) -> str:
    moments = [*AFTER_CLICKS, *(BEFORE + clicks for clicks in AFTER_CLICKS)]
    rows = "".join(_list(visit, clicks, wardrobe) for clicks in moments)
    likes = f"likes {_shown(visit.old)} and {_shown(visit.kept)}, later {_shown(visit.new)} instead of the former"
    clicked = _pictures(visit.clicked[:BEFORE], (), wardrobe)
    return f"<section><h2>{likes}</h2><h3>her first clicks</h3><ul>{clicked}</ul>{rows}</section>"


def _list(visit: Visit, clicks: int, wardrobe: Wardrobe) -> str:
    when = f"{clicks} clicks" if clicks <= BEFORE else f"{clicks - BEFORE} clicks after the change"
    pictures = _pictures(visit.lists[clicks - 1][:SHOWN], visit.tastes(clicks), wardrobe)
    return f"<h3>list after {when}</h3><ul>{pictures}</ul>"


def _pictures(items: Sequence[str], tastes: Collection[str], wardrobe: Wardrobe) -> str:
    return "".join(
        f'<li{" class=fits" if wardrobe.classes[item] in tastes else ""}><img alt="{_shown(wardrobe.classes[item])}"'
        f' src="data:image/jpeg;base64,{b64encode(wardrobe.thumbnails[item]).decode()}"></li>'
        for item in items
    )


def _shown(text: str) -> str:
    return escape(printable(text))
