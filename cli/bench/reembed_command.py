"""The command `sightline bench reembed`."""

from typing import Annotated

import typer

from cli.output import JsonOption, progress


def reembed(
    items: Annotated[int, typer.Option(min=100, help="Size of the catalogue, whose pictures are kept.")] = 10_000,
    rate: Annotated[float, typer.Option(min=1, help="Clicks per second.")] = 100,
    seconds: Annotated[float, typer.Option(min=1, help="Measured seconds before, and after.")] = 20,
    users: Annotated[int, typer.Option(min=1, help="How many users click.")] = 1000,
    limit: Annotated[float, typer.Option(min=1, help="Seconds after which the command is ended.")] = 100,
    per_second: Annotated[
        float | None, typer.Option(min=0.1, help="Pictures per second of the command; else its default.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Time from event to list before, while and after `sightline reembed` runs over the catalogue."""
    from benchmarks.measures.reembed import ReembedPlan, measure_reembed
    from cli.bench.report import report
    from streams.settings import read_settings

    plan = ReembedPlan(items, rate, seconds, users, limit, per_second)
    report(lambda: measure_reembed(read_settings(), plan, progress=progress), as_json)
