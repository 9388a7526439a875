"""The commands that learn models from a log."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import JsonOption

app = typer.Typer(help="Learn models from a log, beside the running system.", no_args_is_help=True)


@app.callback()
def train() -> None:
    """Learn models from a log, beside the running system."""


@app.command()
def ranker(
    data: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A folder with a log, as for `bench stream`.")
    ] = None,
    from_kafka: Annotated[bool, typer.Option("--from-kafka", help="Learn from the deployment's own topics.")] = False,
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the version to this file.")] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish the version, from which the learning worker then goes on.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides what is random: the same seed gives the same version.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Learn the ranker from a log as the learning worker does; exit code 1 if it is no better than the hand weights."""
    from cli.train.ranker import learn

    if (data is None) != from_kafka:
        raise typer.BadParameter("give --data FOLDER, or --from-kafka for the deployment's own topics")
    if out is None and not publish:
        raise typer.BadParameter("say what to do with the version: --out FILE, --publish, or both")
    learn(data, out, publish=publish, seed=seed, as_json=as_json)


@app.command()
def factors(
    data: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A folder with a log, as for `bench stream`.")
    ] = None,
    from_kafka: Annotated[bool, typer.Option("--from-kafka", help="Learn from the deployment's own topics.")] = False,
    to: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where they go: a path or a URL; without it the place that workers read."),
    ] = None,
    dimensions: Annotated[int, typer.Option(min=2, max=256, help="Numbers of each item.")] = 64,
    regularization: Annotated[float, typer.Option(min=1e-3, max=1e6, help="More of it for few or noisy data.")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is random: the same seed gives the same file.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Train latent factors of items on what users chose, by alternating least squares (docs/operations.md)."""
    from cli.train.factors import learn

    if (data is None) != from_kafka:
        raise typer.BadParameter("give --data FOLDER, or --from-kafka for the deployment's own topics")
    learn(data, to, dimensions=dimensions, regularization=regularization, seed=seed, as_json=as_json)


@app.command()
def sequence(
    data: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A folder with a log, as for `bench stream`.")
    ] = None,
    from_kafka: Annotated[bool, typer.Option("--from-kafka", help="Learn from the deployment's own topics.")] = False,
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

    if (data is None) != from_kafka:
        raise typer.BadParameter("give --data FOLDER, or --from-kafka for the deployment's own topics")
    learn(data, to, share=share, seconds=60 * minutes, seed=seed, as_json=as_json)
