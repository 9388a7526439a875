"""What `sightline bench retrieval --by words` does: it measures how well words find, alone and beside a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from rich.table import Table

from benchmarks.retrieval.album import TABLE, UnreadableAlbum, read_album
from benchmarks.retrieval.words.colours import ColourWords, measure_colour_words
from benchmarks.retrieval.words.fitting import Fit, measure_beside, measure_fit
from benchmarks.retrieval.words.measure import (
    DESCRIBED,
    NAMED,
    SAID,
    Cost,
    Found,
    Matrix,
    Words,
    cost_of,
    measure_words,
    read_texts,
    read_words,
)
from benchmarks.retrieval.words.title_map import Mapped, measure_map
from benchmarks.retrieval.words.tower import LocalTower
from cli.output import print_json, progress, results
from features.words.item_words import LEAST_FIT
from inference.encoders.export import load_encoder, recognised
from inference.words.pictures import SEEN_LENGTH

#: Whose texts are embedded.
_TEXTS = ("photos", "the catalogue")


@dataclass(frozen=True, slots=True)
class _Measured:
    """All figures: `fits` by what items say or what stands for it, `beside` by the length of the latter.

    `mapped` are those of a map that is learned from titles, `coloured` those of words that name a colour.
    """

    found: Found
    fits: Mapping[str, Sequence[Fit]]
    beside: Mapping[str, float]
    mapped: Sequence[Mapped]
    coloured: Sequence[ColourWords]
    costs: Mapping[str, Cost]


def judge_words(data: Path, label: str | None, gallery: str | None, as_json: bool) -> None:
    """Measure on the pictures in `data`, and on those of a `gallery` with descriptions; print a row for each way."""
    with TemporaryDirectory() as folder:
        tower = LocalTower.exported(Path(folder))
        try:
            measured = _measure(data, label, gallery, tower)
        except UnreadableAlbum as error:
            raise typer.BadParameter(str(error)) from error
    if as_json:
        print_json(asdict(measured.found) | {name: each for name, each in asdict(measured).items() if name != "found"})
        return
    for table in (_table(measured), _fit_table(measured), _map_table(measured.mapped)):
        results().print(table)
    if measured.coloured:
        results().print(_colour_table(measured.coloured))


def _measure(data: Path, label: str | None, gallery: str | None, tower: LocalTower) -> _Measured:
    recognise = partial(recognised, load_encoder())

    def read(table: str, columns: Sequence[str]) -> Words:
        texts = read_texts(data, table, columns)
        return read_words(read_album(data, table, label, progress), texts, recognise, tower.embed)

    photos = read(TABLE, SAID)
    fits, texts, described, titles = {}, [photos.texts], photos.said, {"words": photos.said}
    shown = None if gallery is None else read(gallery, DESCRIBED)
    if shown is not None and gallery is not None:
        said, names = read_texts(data, gallery, SAID), read_texts(data, gallery, NAMED)
        fits["descriptions"] = measure_fit(shown.said, said, tower.embed)
        fits["names"] = measure_fit(tower.embed(names), said, tower.embed)
        texts, described = [photos.texts, shown.texts], _of_photos(photos, shown, shown.said)
        titles = {"descriptions": described, "names": _of_photos(photos, shown, tower.embed(names)), **titles}
    fits["seen in pictures"] = measure_fit(SEEN_LENGTH * photos.seen, photos.texts, tower.embed)
    costs = {name: cost_of([*dict.fromkeys(each)], tower.embed) for name, each in zip(_TEXTS, texts, strict=False)}
    progress("fitting maps from pictures to titles")
    mapped = measure_map(photos, titles, tower.embed)
    coloured = measure_colour_words(photos, read_texts(data, TABLE, NAMED), tower.embed)
    return _Measured(measure_words(photos, shown), fits, measure_beside(photos, described), mapped, coloured, costs)


def _of_photos(photos: Words, shown: Words, vectors: Matrix) -> Matrix:
    """Those of the vectors of catalogue pictures that photos have by their labels, float32 [n, DIMENSIONS]."""
    places = {label: place for place, label in enumerate(shown.labels.tolist())}
    found: Matrix = vectors[[places[label] for label in photos.labels.tolist()]]
    return found


def _table(measured: _Measured) -> Table:
    found, costs = measured.found, measured.costs
    times = ", ".join(f"{cost.ms} ms a text of {name}" for name, cost in costs.items())
    caption = (
        f"{found.texts} words → photos by what is seen in them: P@10 {found.p_at_10:.3f}; "
        f"{times}, {costs['photos'].compare_us} us an item that a query looks at"
    )
    table = Table("photo → catalogue picture by", "R@1", caption=caption)
    for name, share in found.r_at_1.items():
        table.add_row(name, f"{share:.3f}")
    return table


def _fit_table(measured: _Measured) -> Table:
    beside = ", ".join(f"{length}: {share:.3f}" for length, share in measured.beside.items())
    caption = (
        f"a query by words alone leaves out what is less like them than {LEAST_FIT:g}. "
        f"P@10 where every second photo has a text, by the length of what is seen in the others: {beside}"
    )
    table = Table("words and", "at least", "fitting answered", "foreign answered", "items found", caption=caption)
    for name, rows in measured.fits.items():
        for each in rows:
            shares = (f"{share:.3f}" for share in (each.fitting, each.foreign, each.found))
            table.add_row(name, f"{each.least:g}", *shares)
    return table


def _map_table(mapped: Sequence[Mapped]) -> Table:
    table = Table("fitted on", "looks", "left out", "P@10 seen", "by the map", "by both", "fitting", "foreign", "found")
    for each in mapped:
        shares = (each.seen, each.mapped, each.joined, each.fit.fitting, each.fit.foreign, each.fit.found)
        table.add_row(each.titles, each.looks, each.left_out, *(f"{share:.3f}" for share in shares))
    return table


def _colour_table(coloured: Sequence[ColourWords]) -> Table:
    caption = f"{coloured[0].names} names of what is on a photo that name a colour, such as Red Bell Pepper"
    table = Table("photos found by what is", "P@10 words alone", "and their colours", caption=caption)
    for each in coloured:
        table.add_row(each.by, f"{each.words:.3f}", f"{each.colours:.3f}")
    return table
