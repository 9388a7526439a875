"""What `sightline train encoder` does: it fits the encoder's map, on request tunes its network, and judges it first."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.retrieval.album import Album, UnreadableAlbum, picture_files, read_data
from benchmarks.retrieval.held_out import Embed, Verdict, by_group, by_map, by_order, judge, nothing, raw
from benchmarks.retrieval.sets import labelled
from cli.output import print_json, progress, results
from cli.train.pictures import catalogue_album, drawn_album, seen_variously, unlabelled_pictures
from inference.encoders.look.fit import Labelled, Recipe, fit
from inference.encoders.look.projection import Matrix, Projection, write_projection
from inference.errors import InferenceError
from streams.settings import read_settings

if TYPE_CHECKING:
    from inference.encoders.export import Encoder
    from inference.encoders.tuning.fitting import Tuner

#: At most so much less P@5 than the network's own features, for kinds and for a world that were not in the fit.
NEW_KINDS_LIMIT = 0.03
FOREIGN_LIMIT = 0.01
#: Half of the labels stand for new kinds, and P@5 needs two on each side.
FEWEST_LABELS = 4
_SPLITS = 3
#: A tuned network is trained again for each split, so that one has to do.
_TUNED_SPLITS = 1
_KNOWN, _NEW, _FOREIGN = "known kinds, other photos", "new kinds", "foreign pictures"
#: The rival of a tuned network: the same map, fitted on what the network says as it was.
_MAP_ALONE = "map alone"


@dataclass(frozen=True, slots=True)
class Method:
    """How a map is fitted on sets of pictures, how it embeds others, and how often it may be fitted for a verdict.

    `rival`: how it would be done with less effort, which the effort is to be better than.
    """

    fit: Callable[[Sequence[Labelled]], Projection]
    embed: Callable[[Projection, Labelled], Matrix]
    splits: int
    rival: "Method | None" = None

    def fitted(self, sets: Sequence[Labelled]) -> Embed:
        """What embeds by the map of these sets."""
        return partial(self.embed, self.fit(sets))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for: pictures of `folder`, else of the catalogue, with their labels or without, and how long."""

    folder: Path | None
    foreign: Path | None
    tune: bool
    unlabelled: bool
    seconds: float
    seed: int


def learn(plan: Plan, to: Path, *, as_json: bool) -> None:
    """Fit on the pictures and write the map; exit code 1 if it is refused, or the time was up."""
    photos, shown, others = _pictures(plan)
    try:
        from inference.encoders.export import joined_and_pooled, load_encoder
        from inference.encoders.tuning.course import TimeUp
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"training needs {error.name}: install sightline[export]") from error
    network = load_encoder()
    describe = partial(joined_and_pooled, network)
    ours, theirs = (
        labelled(*each, describe, progress, with_pixels=plan.tune) for each in ((photos, shown), (others, None))
    )
    # Directions that tell single pictures apart do harm to kinds (docs/encoder.md).
    recipe = Recipe(learned=0) if plan.unlabelled else Recipe()
    tuner = _tuner(plan, network, recipe) if plan.tune else None
    method = _closed_form(network, recipe)
    if tuner is not None:
        method = Method(tuner.fit, tuner.embed, _TUNED_SPLITS, method)
    verdicts: Sequence[Verdict] = ()
    try:
        projection, verdicts = train(ours, theirs, method, network.projection, plan.seed)
        refused = objections(verdicts)
        if not refused:
            write_projection(projection, to)
    except TimeUp as error:
        refused = [f"the time was up at {error}: the same command goes on from here"]
    except (InferenceError, OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    if tuner is not None and verdicts:
        tuner.watching.clear()
    show(verdicts, refused, to, as_json=as_json)
    if refused:
        raise typer.Exit(1)


def _closed_form(network: "Encoder", recipe: Recipe) -> Method:
    from inference.encoders.export import LAYOUT, classifier_weights

    classifier = classifier_weights(network)
    return Method(lambda sets: fit(sets, classifier, LAYOUT, recipe), by_map, _SPLITS)


def _tuner(plan: Plan, network: "Encoder", recipe: Recipe) -> "Tuner":
    from inference.curves import board
    from inference.encoders.export import LAYOUT
    from inference.encoders.tuning.course import Watching
    from inference.encoders.tuning.fitting import Tuner
    from inference.encoders.tuning.training import Course

    folder = read_settings().home / "encoder"
    folder.mkdir(parents=True, exist_ok=True)
    watching = Watching(folder, time.monotonic() + plan.seconds, progress, board)
    return Tuner(network, LAYOUT, recipe, Course(paired=plan.unlabelled), plan.seed, watching)


def _pictures(plan: Plan) -> tuple[Album, Album | None, Album]:
    """Photos, the catalogue's pictures of the same labels if there are any, and foreign pictures."""
    shown = None
    try:
        if plan.unlabelled:
            progress(f"without labels a kind is one picture, and its photos are views: P@5 of {_KNOWN} is 0.4 at most")
            photos = seen_variously(unlabelled_pictures(plan.folder, plan.seed), plan.seed)
        elif plan.folder is None:
            photos = catalogue_album()
        else:
            photos, shown = read_data(plan.folder, None, None, progress)
        _check(photos)
        others = drawn_album() if plan.foreign is None else read_data(plan.foreign, None, None, progress)[0]
    except UnreadableAlbum as error:
        raise typer.BadParameter(f"{error}{_remedy(plan)}") from error
    return photos, shown, others


def _remedy(plan: Plan) -> str:
    """What to do with a folder whose pictures lie in no sub-folder."""
    if plan.folder is None or plan.unlabelled:
        return ""
    if not any(each.parent == plan.folder for each in picture_files(plan.folder)):
        return ""
    return (
        "; the pictures that lie in no sub-folder have no label: make a folder for each kind, "
        "or learn without labels, by --unlabelled"
    )


def train(
    ours: Labelled, theirs: Labelled, method: Method, shipped: Projection, seed: int
) -> tuple[Projection, list[Verdict]]:
    """The map of all of our pictures, and the verdicts on maps of some of them; theirs are foreign."""

    def some(splits: Iterator[NDArray[np.bool_]]) -> Iterator[NDArray[np.bool_]]:
        return islice(splits, method.splits)

    rivals: dict[str, Embed] = {"raw": raw, "shipped": partial(by_map, shipped)}
    alike = {} if method.rival is None else {_MAP_ALONE: method.rival.fitted}
    judged = partial(judge, rivals=rivals, fitted_alike=alike)
    progress("judging photos and kinds that are left out of the fit, and foreign pictures: some minutes")
    known = judged(_KNOWN, method.fitted, ours, some(by_order(ours)))
    new = judged(_NEW, method.fitted, ours, some(by_group(ours.labels, _SPLITS, seed)))
    projection = method.fit([ours])
    if method.rival is not None:
        rivals = rivals | {_MAP_ALONE: method.rival.fitted([ours])}
    foreign = judge(_FOREIGN, lambda _: partial(method.embed, projection), theirs, nothing(theirs), rivals=rivals)
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


def worth(verdicts: Sequence[Verdict]) -> str | None:
    """What tuning brought over the map alone, in one sentence; None where nothing was tuned."""
    gains = {verdict.test: verdict.gains.get(_MAP_ALONE) for verdict in verdicts}
    gained = gains.get(_KNOWN)
    if gained is None:
        return None
    figures = f"tuning gains {gained.value:+.3f} P@5 over the map alone ({gained.low:+.3f} to {gained.high:+.3f})"
    if gained.low > 0:
        return f"{figures} on {_KNOWN}"
    return f"{figures} on {_KNOWN}, which may be nothing: the same command without --tune writes the map alone"


def _check(photos: Album) -> None:
    labels = len(set(photos.labels))
    if labels < FEWEST_LABELS:
        raise typer.BadParameter(
            f"{labels} labels have enough pictures: {FEWEST_LABELS} are needed, half of which stand for new kinds"
        )


def show(verdicts: Sequence[Verdict], refused: Sequence[str], to: Path, *, as_json: bool) -> None:
    """Print the verdicts, what tuning brought, and the file that was written or why none was."""
    if as_json:
        written = None if refused else to
        tests = [asdict(each) for each in verdicts]
        print_json({"written": written, "refused": list(refused), "tests": tests, "tuning": worth(verdicts)})
        return
    console = results()
    if verdicts:
        console.print(_table(verdicts))
    if said := worth(verdicts):
        console.print(said, soft_wrap=True)
    for each in refused:
        console.print(f"nothing is written: {each}", soft_wrap=True)
    if not refused:
        console.print(f"{to} is written: sightline export-model --projection {to}", soft_wrap=True)


def _table(verdicts: Sequence[Verdict]) -> Table:
    """What was judged and by how many photos, with our P@5; below each what we gain over the others."""
    table = Table("judged by photos left out", "P@5", "gain over it, 95 %")
    for verdict in verdicts:
        ours, *others = verdict.p_at_5.items()
        table.add_row(f"{verdict.test}: {verdict.photos:,}", f"{ours[1]:.3f}")
        for name, share in others:
            gained = verdict.gains[name]
            table.add_row(f"  {name}", f"{share:.3f}", f"{gained.value:+.3f} ({gained.low:+.3f} to {gained.high:+.3f})")
        table.add_section()
    return table
