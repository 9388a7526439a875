"""What `sightline train encoder` does: it fits the map of the encoder on labelled pictures, and judges it first."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import typer
from rich.table import Table

from benchmarks.retrieval.album import Album, UnreadableAlbum, read_data
from benchmarks.retrieval.held_out import Embed, Verdict, by_group, by_order, judge, nothing, raw
from benchmarks.retrieval.sets import labelled
from cli.output import print_json, progress, results
from cli.train.pictures import catalogue_album, drawn_album
from inference.encoders.look.fit import Labelled, Layout, Recipe, fit
from inference.encoders.look.projection import Matrix, Projection, write_projection

#: At most so much less P@5 than the network's own features, for kinds and for a world that were not in the fit.
NEW_KINDS_LIMIT = 0.03
FOREIGN_LIMIT = 0.01
#: Half of the labels stand for new kinds, and P@5 needs two on each side.
FEWEST_LABELS = 4
_SPLITS = 3
_KNOWN, _NEW, _FOREIGN = "known kinds, other photos", "new kinds", "foreign pictures"


def learn(folder: Path | None, to: Path, foreign: Path | None, *, seed: int, as_json: bool) -> None:
    """Fit on the pictures in `folder`, else on the catalogue's, and write the map; exit code 1 if it is refused."""
    photos, shown, others = _pictures(folder, foreign)
    try:
        from inference.encoders.export import LAYOUT, classifier_weights, joined_and_pooled, load_encoder
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"training needs {error.name}: install sightline[export]") from error
    network = load_encoder()
    describe = partial(joined_and_pooled, network)
    ours, theirs = labelled(photos, shown, describe, progress), labelled(others, None, describe, progress)
    projection, verdicts = train(ours, theirs, classifier_weights(network), LAYOUT, network.projection, seed)
    refused = objections(verdicts)
    if not refused:
        write_projection(projection, to)
    _print(verdicts, refused, to, as_json=as_json)
    if refused:
        raise typer.Exit(1)


def _pictures(folder: Path | None, foreign: Path | None) -> tuple[Album, Album | None, Album]:
    """Photos, the catalogue's pictures of the same labels if there are any, and foreign pictures."""
    try:
        photos, shown = (catalogue_album(), None) if folder is None else read_data(folder, None, None, progress)
        _check(photos)
        others = drawn_album() if foreign is None else read_data(foreign, None, None, progress)[0]
    except UnreadableAlbum as error:
        raise typer.BadParameter(str(error)) from error
    return photos, shown, others


def train(
    ours: Labelled, theirs: Labelled, classifier: Matrix, layout: Layout, shipped: Projection, seed: int
) -> tuple[Projection, list[Verdict]]:
    """The map of all of our pictures, and the verdicts on maps of some of them; theirs are foreign."""

    def fitted(sets: Sequence[Labelled]) -> Projection:
        return fit(sets, classifier, layout, Recipe())

    rivals: dict[str, Embed] = {"raw": raw, "shipped": partial(_embedded, shipped)}
    progress("judging photos and kinds that are left out of the fit, and foreign pictures: some minutes")
    known = judge(_KNOWN, fitted, ours, by_order(ours), rivals=rivals)
    new = judge(_NEW, fitted, ours, by_group(ours.labels, _SPLITS, seed), rivals=rivals)
    projection = fitted([ours])
    foreign = judge(_FOREIGN, lambda _: projection, theirs, nothing(theirs), rivals=rivals)
    return projection, [known, new, foreign]


def objections(verdicts: Sequence[Verdict]) -> list[str]:
    """Why a map should not be used: one sentence for each."""
    by_test = {verdict.test: verdict.gains for verdict in verdicts}
    found = []
    gained = by_test[_KNOWN]["shipped"]
    if gained.value <= 0:
        found.append(f"known kinds gain nothing over the shipped encoder: {gained.value:+.3f} P@5")
    for test, limit in ((_NEW, NEW_KINDS_LIMIT), (_FOREIGN, FOREIGN_LIMIT)):
        lost = -by_test[test]["raw"].value
        if lost > limit:
            found.append(f"{test} lose {lost:.3f} P@5 against the network's own features: {limit} at most")
    return found


def _embedded(projection: Projection, pictures: Labelled) -> Matrix:
    return projection.embed(pictures.features, pictures.pooled)


def _check(photos: Album) -> None:
    labels = len(set(photos.labels))
    if labels < FEWEST_LABELS:
        raise typer.BadParameter(
            f"{labels} labels have enough pictures: {FEWEST_LABELS} are needed, half of which stand for new kinds"
        )


def _print(verdicts: Sequence[Verdict], refused: Sequence[str], to: Path, *, as_json: bool) -> None:
    if as_json:
        written = None if refused else to
        print_json({"written": written, "refused": list(refused), "tests": [asdict(each) for each in verdicts]})
        return
    names = list(verdicts[0].p_at_5)
    table = Table("", "photos", *(f"P@5 {name}" for name in names), *(f"gain over {name}" for name in names[1:]))
    for verdict in verdicts:
        shares = [f"{each:.3f}" for each in verdict.p_at_5.values()]
        gains = [f"{each.value:+.3f} ({each.low:+.3f} to {each.high:+.3f})" for each in verdict.gains.values()]
        table.add_row(verdict.test, f"{verdict.photos:,}", *shares, *gains)
    console = results()
    console.print(table)
    for each in refused:
        console.print(f"refused: {each}", soft_wrap=True)
    if not refused:
        console.print(f"{to} is written: sightline export-model --projection {to}", soft_wrap=True)
