"""What `sightline bench retrieval --by certainty` does: how certain it is which article a photo shows."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

import typer
from rich.table import Table

from benchmarks.retrieval.album import GALLERY, TABLE, UnreadableAlbum, read_album
from benchmarks.retrieval.parts.certainty import Certainty, measure_certainty
from benchmarks.retrieval.sets import labelled
from cli.output import print_json, progress, results
from inference.encoders.export import LAYOUT, classifier_weights, joined_and_pooled, load_encoder
from inference.encoders.look.fit import Recipe, fit


def judge_certainty(data: Path, label: str | None, gallery: str | None, beside: Path, as_json: bool) -> None:
    """Fit on half of the products in `data` and the photos in `beside`, and judge by the other half."""
    encoder = load_encoder()
    describe, classifier = partial(joined_and_pooled, encoder), classifier_weights(encoder)
    try:
        photos, shown = (read_album(data, table, label, progress) for table in (TABLE, gallery or GALLERY))
        others = read_album(beside, TABLE, None, progress)
    except UnreadableAlbum as error:
        raise typer.BadParameter(str(error)) from error
    shelves, fitted_too = labelled(photos, shown, describe, progress), labelled(others, None, describe, progress)
    found = measure_certainty(shelves, [fitted_too], lambda sets: fit(sets, classifier, LAYOUT, Recipe()))
    if as_json:
        print_json(asdict(found))
    else:
        _print(found)


def _print(found: Certainty) -> None:
    by = found.fitted
    results().print(f"fitted on all pairs: constant {by.constant}, best {by.best}, lead {by.lead}")
    table = Table("constants", "photos", "right", "calibration error", "named from", "share", "of these right")
    for name, judged in (("of the other products", found.held_out), ("as shipped", found.shipped)):
        for number, (least, (share, right)) in enumerate(judged.named.items()):
            figures = (name, str(judged.photos), f"{judged.right:.3f}", f"{judged.calibration_error:.3f}")
            table.add_row(*(figures if number == 0 else ("",) * 4), least, f"{share:.3f}", f"{right:.3f}")
    results().print(table)
