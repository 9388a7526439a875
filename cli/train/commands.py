"""The commands that learn models from a log."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import JsonOption
from cli.written import check_written
from inference.factors.defaults import DIMENSIONS, DIMENSIONS_LIMIT, REGULARIZATION

DataOption = Annotated[
    Path | None, typer.Option(exists=True, file_okay=False, help="A folder with a log, as for `bench stream`.")
]
KafkaOption = Annotated[bool, typer.Option("--from-kafka", help="Learn from the deployment's own topics.")]

app = typer.Typer(help="Learn models from a log, beside the running system.", no_args_is_help=True)


@app.callback()
def train() -> None:
    """Learn models from a log, beside the running system."""


@app.command()
def ranker(
    data: DataOption = None,
    from_kafka: KafkaOption = False,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the version to this file.")] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish the version, from which the learning worker then goes on.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides what is random: the same seed gives the same version.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Learn the ranker from a log as the learning worker does; exit code 1 if it is no better than the hand weights."""
    from cli.train.ranker import learn

    _check_log(data, from_kafka=from_kafka)
    if out is None and not publish:
        raise typer.BadParameter("say what to do with the version: --out FILE, --publish, or both")
    check_written(out, "--out")
    learn(data, out, publish=publish, seed=seed, as_json=as_json)


@app.command()
def factors(
    data: DataOption = None,
    from_kafka: KafkaOption = False,
    to: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where they go: a path or a URL; without it the place that workers read."),
    ] = None,
    dimensions: Annotated[int, typer.Option(min=2, max=DIMENSIONS_LIMIT, help="Numbers of each item.")] = DIMENSIONS,
    regularization: Annotated[
        float, typer.Option(min=1e-3, max=1e6, help="More of it for few or noisy data.")
    ] = REGULARIZATION,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is random: the same seed gives the same file.")] = 0,
    every: Annotated[
        float | None, typer.Option(min=0.001, help="Stay, and train again every so many hours (needs --from-kafka).")
    ] = None,
    ends_with_parent: Annotated[
        bool, typer.Option("--end-with-parent", hidden=True, help="End when stdin ends; --every starts it so.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train latent factors of items on what users chose; exit code 1 if they are worse than those in the file."""
    from cli.train.factors import Plan, learn, stay
    from streams.worker.refitter import end_with_parent

    _check_log(data, from_kafka=from_kafka)
    plan = Plan(dimensions, regularization, seed)
    if ends_with_parent:
        end_with_parent()
    if every is None:
        learn(data, to, plan, as_json=as_json)
    elif not from_kafka:
        raise typer.BadParameter("--every needs --from-kafka: a log in files does not grow")
    else:
        raise typer.Exit(stay(to, plan, every_s=3600 * every))


@app.command()
def sequence(
    data: DataOption = None,
    from_kafka: KafkaOption = False,
    to: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where it goes: a path or a URL; without it the place that workers read."),
    ] = None,
    share: Annotated[
        float, typer.Option(min=0.01, max=1, help="Learn from this share of the events, the earliest.")
    ] = 1.0,
    minutes: Annotated[float, typer.Option(min=0, help="Stop after this time; the same command then goes on.")] = float(
        "inf"
    ),
    seed: Annotated[int, typer.Option(help="Decides what is random: the same seed gives the same model.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Train a sequence model on what users chose after what; exit code 1 if nothing was kept."""
    from cli.train.sequence import learn

    _check_log(data, from_kafka=from_kafka)
    learn(data, to, share=share, seconds=60 * minutes, seed=seed, as_json=as_json)


@app.command()
def classes(
    folder: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="A sub-folder for each class, or images.tar + labels.csv."),
    ],
    label: Annotated[str | None, typer.Option(help="The CSV's column with the class.")] = None,
    group: Annotated[
        str | None, typer.Option(help="The CSV's column that says whose picture it is; uploader_id, if there is one.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where it goes: a path or a URL; without it the place that workers read."),
    ] = None,
    projection: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The map of the encoder that workers use, if it is your own."),
    ] = None,
    precision: Annotated[
        float, typer.Option(min=0.5, max=1, help="So many of the categories that are filled in shall be right.")
    ] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Decides how pictures are held out.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Learn your own classes from a few pictures of each; uploads without a category then get one (docs/classes.md)."""
    from cli.train.classes import learn

    learn(folder, label, group, to, projection, precision=precision, seed=seed, as_json=as_json)


@app.command()
def encoder(
    folder: Annotated[
        Path | None,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="Its sub-folders are labels, or it has images.tar and labels.csv; with --unlabelled any pictures.",
        ),
    ] = None,
    from_catalogue: Annotated[
        bool, typer.Option("--from-catalogue", help="Learn from the kept pictures of items that have a category.")
    ] = False,
    tune: Annotated[
        bool, typer.Option("--tune", help="Train the network's later blocks, too, which takes three trainings.")
    ] = False,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="Read no labels: each picture is to be told from all others.")
    ] = False,
    minutes: Annotated[
        float, typer.Option(min=0, help="Stop tuning after this time; the same command then goes on.")
    ] = float("inf"),
    to: Annotated[Path, typer.Option(dir_okay=False, help="Write the map to this file.")] = Path("projection.npz"),
    foreign: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Pictures of another world, labelled alike; else the demo's."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides which kinds are left out, to stand for new ones.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Fit the encoder to pictures of yours; exit code 1 if it is no gain, or new kinds lose too much."""
    from cli.train.encoder import Plan, learn

    if (folder is None) != from_catalogue:
        raise typer.BadParameter("give a folder of pictures or --from-catalogue, and not both")
    check_written(to, "--to")
    plan = Plan(folder, foreign, tune=tune, unlabelled=unlabelled, seconds=60 * minutes, seed=seed)
    learn(plan, to, as_json=as_json)


def _check_log(data: Path | None, *, from_kafka: bool) -> None:
    if data is not None and from_kafka:
        raise typer.BadParameter("give --data or --from-kafka, not both: a model learns from one log")
    if data is None and not from_kafka:
        raise typer.BadParameter("give --data FOLDER, or --from-kafka for the deployment's own topics")
