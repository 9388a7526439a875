"""What `sightline bench retrieval --by words` does: it measures how well words find, alone and beside a picture."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from rich.table import Table

from benchmarks.retrieval.album import UnreadableAlbum, read_album
from benchmarks.retrieval.tower import LocalTower
from benchmarks.retrieval.words import DESCRIBED, SAID, Found, Words, measure_words, read_texts, read_words
from cli.output import print_json, progress, results
from inference.encoders.export import load_encoder, recognised


def judge_words(data: Path, label: str | None, gallery: str | None, as_json: bool) -> None:
    """Measure on the pictures in `data`, and on those of a `gallery` with descriptions; print a row for each way."""
    recognise = partial(recognised, load_encoder())

    def read(table: str, columns: Sequence[str]) -> Words:
        texts = read_texts(data, table, columns)
        return read_words(read_album(data, table, label, progress), texts, recognise, tower.embed)

    with TemporaryDirectory() as folder:
        tower = LocalTower.exported(Path(folder))
        try:
            photos = read("labels.csv", SAID)
            found = measure_words(photos, None if gallery is None else read(gallery, DESCRIBED))
        except UnreadableAlbum as error:
            raise typer.BadParameter(str(error)) from error
    if as_json:
        print_json(asdict(found))
    else:
        results().print(_table(found))


def _table(found: Found) -> Table:
    caption = f"{found.texts} words → photos by what is seen in them: P@10 {found.p_at_10:.3f}"
    table = Table("photo → catalogue picture by", "R@1", caption=caption)
    for name, share in found.r_at_1.items():
        table.add_row(name, f"{share:.3f}")
    return table
