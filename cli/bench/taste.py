"""What `sightline bench taste` does: it judges the product's lists by simulated shoppers on real pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.evaluation.log import UnreadableLog
from benchmarks.evaluation.taste.judge import AFTER_CLICKS, judge_taste
from benchmarks.evaluation.taste.sheet import render_sheet
from benchmarks.evaluation.taste.wardrobe import read_wardrobe
from cli.bench.report import begin
from cli.output import print_json, progress, results
from inference.encoders.export import load_encoder, recognised
from streams.settings import read_settings


def judge(data: Path, pictures: int, shoppers: int, seed: int, as_json: bool) -> None:
    """Let shoppers click on the pictures in `data`, and print how well their lists follow."""
    begin()
    settings, encoder = read_settings(), load_encoder()

    def encode(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Sequence[Sequence[tuple[str, float]]]]:
        vectors, _, tags = recognised(encoder, pixels)
        return vectors, tags

    try:
        wardrobe = read_wardrobe(data, encode, most=pictures, progress=progress)
    except UnreadableLog as error:
        raise typer.BadParameter(str(error)) from error
    found, visits = judge_taste(settings, wardrobe, shoppers=shoppers, seed=seed, progress=progress)
    page = settings.home / "bench" / "taste.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render_sheet(visits, wardrobe), encoding="utf-8")
    if as_json:
        print_json({**found, "page": str(page)})
    else:
        _print(found, page)


def _print(found: Mapping[str, Any], page: Path) -> None:
    caption = f"{found['shoppers']} shoppers, {found['items']:,} pictures; share of ten slots in two classes she likes"
    table = Table("precision@10", *(f"{clicks} clicks" for clicks in AFTER_CLICKS), caption=caption)
    for name, key in (("from the start", "p_at_10_after"), ("after a change of taste", "p_at_10_after_change")):
        table.add_row(name, *(_with_interval(found, f"{key}_{clicks}") for clicks in AFTER_CLICKS))
    console = results()
    console.print(table)
    console.print(
        f"a replaced interest is gone after {found['clicks_to_forget']:g} clicks (median; 90 % of shoppers: "
        f"{found['clicks_to_forget_p90']:g}), within 10 for {found['forgotten_within_10']:.0%}",
        soft_wrap=True,
    )
    console.print(f"near-duplicates within a list: {found['near_duplicates']}")
    if "same_person_across" in found:
        low, high = found["same_person_across_interval"]
        console.print(
            f"what has an item's look in another class is of the same person in {found['same_person_across']:.1%} of "
            f"cases ({low:.1%} to {high:.1%}; by chance {found['same_person_across_by_chance']:.1%})",
            soft_wrap=True,
        )
    console.print(f"some shoppers' lists are on {page}", soft_wrap=True)


def _with_interval(found: Mapping[str, Any], name: str) -> str:
    low, high = found["intervals"][name]
    return f"{found[name]:.2f} ({low:.2f} to {high:.2f})"
