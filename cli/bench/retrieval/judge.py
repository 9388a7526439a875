"""What `sightline bench retrieval` does: it measures how well pictures of the same label find each other."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

import typer
from rich.table import Table

from benchmarks.retrieval.album import UnreadableAlbum, gallery_of, read_data
from benchmarks.retrieval.encoder_cost import encoder_cost, graph_cost, graph_looks
from benchmarks.retrieval.measure import Encode, Precision, Retrieval, measure_retrieval
from cli.bench.report import begin
from cli.bench.retrieval.certainty import judge_certainty
from cli.bench.retrieval.regions import judge_regions
from cli.bench.retrieval.words import judge_words
from cli.output import print_json, progress, results
from inference.encoders.export import Encoder, embeddings_and_features, load_encoder


def judge(
    data: Path,
    label: str | None,
    by: str | None,
    gallery: str | None,
    beside: Path | None,
    graph: Path | None,
    as_json: bool,
) -> None:
    """Measure on the pictures in `data`, and print a row for each way to compare, or only those that contain `by`.

    `graph`: the file of an exported model, whose looks are measured beside the shipped network's raw features.
    """
    begin()
    if by == "words":
        judge_words(data, label, gallery_of(data, gallery), as_json)
        return
    if beside is not None:
        measure = judge_regions if by == "regions" else judge_certainty
        measure(data, label, gallery, beside, as_json)
        return
    encoder = load_encoder()
    encode = partial(embeddings_and_features, encoder) if graph is None else _beside_raw(graph, encoder)
    try:
        photos, pictures = read_data(data, label, gallery, progress)
    except UnreadableAlbum as error:
        raise typer.BadParameter(str(error)) from error
    found = measure_retrieval(photos, pictures, encode, progress)
    rows = {name: row for name, row in found.by.items() if by is None or by in name}
    if not rows:
        raise typer.BadParameter(f"no way to compare has {by!r} in its name: {', '.join(found.by)}", param_hint="--by")
    if as_json:
        costs = {name: asdict(cost) for name, cost in found.costs.items()}
        by_way = {name: asdict(row) | costs.get(name, {}) for name, row in rows.items()}
        counts = {"photos": found.photos, "labels": found.labels}
        total = {"descriptors": costs["all"], "by": by_way}
        raw = {"raw_p_at_5": found.by["raw"].p_at_5, "gain_over_raw": asdict(found.gain)}
        progress("taking the time of the encoder")
        pixels = photos.pixels
        cost = {"encoder": asdict(encoder_cost(encoder, pixels) if graph is None else graph_cost(graph, pixels))}
        print_json(counts | asdict(found.by["look"]) | raw | cost | total)
    else:
        results().print(_table(found, rows))
        less, more = f"{found.gain.low:+.3f}", f"{found.gain.high:+.3f}"
        results().print(f"P@5 of look over raw: {found.gain.value:+.3f}, 95 % interval {less} to {more}")


def _beside_raw(graph: Path, encoder: Encoder) -> Encode:
    """The looks by an exported model, and the raw features of the shipped network."""
    looks = graph_looks(graph)
    return lambda pixels: (looks(pixels), embeddings_and_features(encoder, pixels)[1])


def _table(found: Retrieval, rows: dict[str, Precision]) -> Table:
    total = found.costs["all"]
    costs = f"{total.ms} ms and {total.bytes} bytes a picture, {total.compare_us} us an item that a query looks at"
    caption = f"{found.photos:,} photos of {found.labels} labels; all descriptors: {costs}"
    table = Table("by", "P@1", "P@5", "P@10", "MAP@10", "R@1", "ms", "bytes", "us an item", caption=caption)
    for name, row in rows.items():
        cost = found.costs.get(name)
        figures = [row.p_at_1, row.p_at_5, row.p_at_10, row.map_at_10, row.r_at_1]
        shown = ["" if figure is None else f"{figure:.3f}" for figure in figures]
        table.add_row(name, *shown, *(() if cost is None else (f"{cost.ms}", str(cost.bytes), f"{cost.compare_us}")))
    return table
