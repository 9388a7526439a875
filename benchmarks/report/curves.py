"""A page with the figures of several methods over the course of a log: one line a method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from benchmarks.report.frame import framed
from features.printable import printable

_STYLE = Path(__file__).with_suffix(".css")
_WIDTH, _HEIGHT, _LEFT = 900, 320, 44
_OURS = "var(--accent)"
_COLOURS = ("#c2410c", "#2563eb", "#9333ea", "#b45309", "#64748b", "#db2777", "#4d7c0f", "#0891b2")
_STEPS = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """The values [n] of a method over equal parts of the log, and its `mean` over all; `ours` stands out."""

    name: str
    values: Sequence[float]
    mean: float
    ours: bool = False


def render_curves(title: str, about: str, charts: Mapping[str, Sequence[Curve]]) -> str:
    """The charts, by heading, as one self-contained HTML page."""
    body = f"<header><h1>{_shown(title)}</h1><p>{_shown(about)}</p></header>\n" + "\n".join(
        f"<section><h2>{_shown(heading)}</h2><p>from the first list to the last, in equal numbers of lists</p>"
        f"{_chart(curves)}</section>"
        for heading, curves in charts.items()
    )
    return framed(title, _STYLE, body)


def _chart(curves: Sequence[Curve]) -> str:
    most = max((value for curve in curves for value in curve.values), default=0.0) or 1.0
    grid = "".join(_grid_line(step / _STEPS, most) for step in range(_STEPS + 1))
    ordered = sorted(zip(curves, _colours(curves), strict=True), key=lambda each: each[0].ours)
    lines = "".join(_line(curve, colour, most) for curve, colour in ordered)
    legend = "".join(
        f"<li><i style='background:{colour}'></i>{_shown(curve.name)} <b>{curve.mean:.4f}</b></li>"
        for curve, colour in zip(curves, _colours(curves), strict=True)
    )
    return f'<svg viewBox="0 -8 {_WIDTH} {_HEIGHT + 16}" role="img">{grid}{lines}</svg><ul>{legend}</ul>'


def _colours(curves: Sequence[Curve]) -> list[str]:
    return [_OURS if curve.ours else _COLOURS[place % len(_COLOURS)] for place, curve in enumerate(curves)]


def _grid_line(share: float, most: float) -> str:
    y = _HEIGHT * (1 - share)
    return (
        f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="0" y="{y + 4:.1f}">{share * most:.3f}</text>'
    )


def _line(curve: Curve, colour: str, most: float) -> str:
    step = (_WIDTH - _LEFT) / max(len(curve.values) - 1, 1)
    points = " ".join(
        f"{_LEFT + place * step:.1f},{_HEIGHT * (1 - value / most):.1f}" for place, value in enumerate(curve.values)
    )
    kind = ' class="ours"' if curve.ours else ""
    return f'<polyline{kind} stroke="{colour}" points="{points}"/>'


def _shown(text: str) -> str:
    return escape(printable(text))
