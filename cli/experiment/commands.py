"""The commands for the experiment of SIGHTLINE_EXPERIMENT: `sightline experiment …`."""

import re
from typing import Annotated

import typer

from cli.dead_letters.age import parse_age
from cli.output import JsonOption

app = typer.Typer(
    help="An experiment: users in arms whose lists are made in different ways.",
    no_args_is_help=True,
    callback=lambda: None,
)


@app.command()
def report(
    since: Annotated[str, typer.Option(help="How long ago the experiment began, such as 30m, 24h or 7d.")] = "24h",
    aa: Annotated[bool, typer.Option("--aa", help="Split the first arm in two, which should not differ.")] = False,
    currency: Annotated[
        str | None, typer.Option(help="Compare also what was paid in this currency, such as EUR.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the arms by what users did with their lists. Exit code 1 if the users were not split by the shares."""
    age_ms = parse_age(since)
    if currency is not None and re.fullmatch("[A-Za-z]{3}", currency) is None:
        raise typer.BadParameter(f"{currency!r} has not the three letters of ISO 4217: EUR", param_hint="--currency")
    from cli.experiment.report import print_report

    print_report(age_ms, as_json, aa=aa, currency=currency)
