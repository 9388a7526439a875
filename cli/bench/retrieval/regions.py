"""What `sightline bench retrieval --by regions` does: it measures how well parts of pictures are found and find."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

import typer
from rich.table import Table

from benchmarks.retrieval.album import TABLE, UnreadableAlbum, gallery_of, read_album, read_files
from benchmarks.retrieval.parts.regions import FoundParts, Searched, measure_regions
from benchmarks.retrieval.parts.scenes import cut_out, opened
from cli.output import print_json, progress, results
from inference.encoders.export import embeddings_and_features, load_encoder, salience_maps

#: Photos behind things are every so many of the folder's.
_GROUNDS = 7


def judge_regions(data: Path, label: str | None, gallery: str | None, beside: Path, as_json: bool) -> None:
    """Lay the photos in `data`, and its catalogue pictures, on photos of `beside`; search by parts of what comes."""
    shown = gallery_of(data, gallery)
    encoder = load_encoder()
    encode, maps = partial(embeddings_and_features, encoder), partial(salience_maps, encoder)
    try:
        photos, labels = read_files(data, TABLE, label)
        behind = [opened(file) for file in read_files(beside, TABLE)[0][::_GROUNDS]]
        compared = read_album(data, shown or TABLE, label, progress)
        files, names = ([], []) if shown is None else read_files(data, shown, label)
    except (UnreadableAlbum, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    things = [opened(file) for file in photos]
    progress(f"encoding {len(compared.labels)} pictures to search among")
    searched = Searched(compared.pixels, compared.labels, encode, is_catalogue=shown is not None)
    measure = partial(measure_regions, searched=searched, encode=encode, maps=maps, progress=progress)
    found = {"photos as they are": measure(things, labels, []), "photos on others": measure(things, labels, behind)}
    if files:
        found["cut-outs on others"] = measure([cut_out(opened(file)) for file in files], names, behind)
    if as_json:
        print_json({"found_by": _measured(searched)} | {name: asdict(each) for name, each in found.items()})
    else:
        _print(found, _measured(searched))


def _measured(searched: Searched) -> str:
    return "R@1" if searched.is_catalogue else "P@5"


def _print(found: dict[str, FoundParts], measured: str) -> None:
    table = Table("pictures", "part", "IoU", "area", f"{measured} look", f"{measured} raw")
    for kind, parts in found.items():
        for name, by in parts.by.items():
            figures = [f"{value:.3f}" for value in (by.iou, by.area, by.look, by.raw)]
            table.add_row(f"{parts.pictures} {kind}", name, *figures)
    results().print(table)
    for kind, parts in found.items():
        if parts.in_pairs is not None:
            results().print(f"{kind}: of two things in a picture {parts.in_pairs:.3f} are found")
