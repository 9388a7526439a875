"""What `sightline bench video` does: it measures whether stills and clips find each other, and copies of clips."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import typer
from rich.table import Table

from benchmarks.gate.clips import ClipCopies, measure_clip_copies
from benchmarks.retrieval.album import UnreadableAlbum, read_album
from benchmarks.retrieval.clips import NoClips, measure_clips
from cli.bench.report import begin
from cli.output import print_json, progress, results
from inference.encoders.export import embeddings_and_features, load_encoder

#: Clips that are made of the pictures in the other folder.
_SLIDES = 50


def judge(data: Path, among: Path | None, as_json: bool) -> None:
    """Measure with the clips in `data`, among the pictures of another folder, and print what is found and refused."""
    begin()
    encoder = load_encoder()
    others = np.zeros((0, 224, 224, 3), np.uint8)
    try:
        if among is not None:
            others = read_album(among, "labels.csv", None, progress).pixels
        found = measure_clips(data, others, lambda pixels: embeddings_and_features(encoder, pixels)[0])
    except (UnreadableAlbum, NoClips) as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        print_json(asdict(found))
        return
    table = Table("figure", "value")
    for name, value in asdict(found).items():
        if name != "refused":
            table.add_row(name, str(value))
    for name, reason in found.refused.items():
        table.add_row(f"refused: {name}", reason)
    results().print(table)


def judge_copies(data: Path, among: Path | None, as_json: bool) -> None:
    """Measure which copies of the clips in `data` are found, and of clips made of pictures of another folder."""
    begin()
    try:
        found = measure_clip_copies(data, among, _SLIDES)
    except (UnreadableAlbum, NoClips) as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        print_json(asdict(found))
        return
    table = Table("figure", "value")
    _add(table, f"copies of {found.clips} clips", found)
    if found.of_slides is not None:
        _add(table, f"copies of {found.of_slides.clips} clips of slides", found.of_slides)
    results().print(table)


def _add(table: Table, of: str, copies: ClipCopies) -> None:
    for name, share in copies.found.items():
        table.add_row(f"{of} found: {name}", str(share))
    table.add_row(f"{of}: taken for one of another clip", f"{copies.false_merges} of {copies.compared}")
    table.add_row(f"{of}: stills taken for one of their clip", str(copies.stills))
