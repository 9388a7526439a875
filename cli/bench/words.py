"""What `sightline bench retrieval --by words` does: it measures how well words find, alone and beside a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from rich.table import Table

from benchmarks.retrieval.album import UnreadableAlbum, read_album
from benchmarks.retrieval.tower import LocalTower
from benchmarks.retrieval.words import (
    DESCRIBED,
    SAID,
    Cost,
    Found,
    Words,
    cost_of,
    measure_words,
    read_texts,
    read_words,
)
from cli.output import print_json, progress, results
from inference.encoders.export import load_encoder, recognised

#: Whose texts are embedded.
_TEXTS = ("photos", "the catalogue")


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
            others = None if gallery is None else read(gallery, DESCRIBED)
            found = measure_words(photos, others)
            texts = [*dict.fromkeys(photos.texts)], [] if others is None else [*dict.fromkeys(others.texts)]
            costs = {name: cost_of(each, tower.embed) for name, each in zip(_TEXTS, texts, strict=True) if each}
        except UnreadableAlbum as error:
            raise typer.BadParameter(str(error)) from error
    if as_json:
        print_json(asdict(found) | {"costs": {name: asdict(cost) for name, cost in costs.items()}})
    else:
        results().print(_table(found, costs))


def _table(found: Found, costs: Mapping[str, Cost]) -> Table:
    times = ", ".join(f"{cost.ms} ms a text of {name}" for name, cost in costs.items())
    caption = (
        f"{found.texts} words → photos by what is seen in them: P@10 {found.p_at_10:.3f}; "
        f"{times}, {costs['photos'].compare_us} us an item that a query looks at"
    )
    table = Table("photo → catalogue picture by", "R@1", caption=caption)
    for name, share in found.r_at_1.items():
        table.add_row(name, f"{share:.3f}")
    return table
