"""What `sightline train factors` does: it trains latent factors of items on a log, and keeps them in a file."""

import time
from collections.abc import Mapping
from pathlib import Path

import typer

from benchmarks.evaluation.log import UnreadableLog
from benchmarks.evaluation.readers import read_log
from cli.bench.stream import read_deployment
from cli.output import print_json, progress, results
from cli.train.place import file_for
from inference.factors.file import Factors, encode_factors
from inference.factors.training import Choices, train_factors
from streams.settings import Settings, read_settings


def learn(
    data: Path | None, to: str | None, *, dimensions: int, regularization: float, seed: int, as_json: bool
) -> None:
    """Train on the log in `data`, or on the deployment's topics, and write the file."""
    settings = read_settings()
    file = file_for(to, settings.factors, "SIGHTLINE_FACTORS")
    began = time.monotonic()
    try:
        choices = _choices(settings, data, seed)
        progress(f"training on what {len(choices):,} users chose")
        factors = train_factors(choices, dimensions=dimensions, regularization=regularization, seed=seed)
    except UnreadableLog as error:
        raise typer.BadParameter(str(error)) from error
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"training needs {error.name}: install sightline[training]") from error
    file.write(encode_factors(factors))
    _print(choices, factors, file.place, time.monotonic() - began, as_json=as_json)


def _choices(settings: Settings, data: Path | None, seed: int) -> Mapping[str, Mapping[str, float]]:
    log, choices = read_log(data, seed=seed) if data is not None else read_deployment(settings), Choices()
    for event in log.events:
        choices.learn(event.user, event.item, event.weight)
    return choices.of_users


def _print(
    choices: Mapping[str, Mapping[str, float]], factors: Factors, place: str, took_s: float, *, as_json: bool
) -> None:
    items, dimensions = factors.vectors.shape
    if as_json:
        found = {"items": items, "dimensions": dimensions, "users": len(choices), "took_s": round(took_s, 2)}
        print_json({**found, "file": place})
        return
    results().print(f"factors of {items:,} items in {dimensions} dimensions, after {took_s:,.1f} s, are in {place}")
