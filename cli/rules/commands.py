"""The commands for a shop's rules: `sightline rules …`."""

from typing import Annotated

import typer

from cli.output import JsonOption

app = typer.Typer(
    help="The rules of a shop: what lists have more of, promote or leave out.",
    no_args_is_help=True,
    callback=lambda: None,
)


@app.command()
def check(
    file: Annotated[
        str | None, typer.Argument(help="A path, or file, s3, gs or az with a key. [default: SIGHTLINE_RULES]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what each rule of a file does to the catalogue, if that runs. Exit code 1 for a warning, 2 for a bad file."""
    from cli.rules.check import check_rules

    check_rules(file, as_json)
