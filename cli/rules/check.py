"""What `sightline rules check` does: it reads a file of rules, and says what each of them takes in."""

import asyncio
import time

import typer
from rich.table import Table

from cli.output import print_json, progress, results
from cli.user.stored import read_catalog
from deploy.local import Stack
from inference.catalog.catalog import Catalog
from inference.shop_rules.survey import Survey, survey
from streams.addresses import file_place
from streams.learning.model_kinds import SHOP_RULES
from streams.settings import Settings, read_settings


def check_rules(file: str | None, as_json: bool) -> None:
    """Print what each rule does; exit code 1 if there is anything to warn of. Raises what is wrong with the file."""
    settings = read_settings()
    place = settings.rules if file is None else _place(file)
    if place is None:
        raise typer.BadParameter("name a file, or set SIGHTLINE_RULES", param_hint="FILE")
    shop = asyncio.run(SHOP_RULES.read(place))
    catalog = _catalog(settings)
    found = survey(shop, catalog, time.time_ns() // 1_000_000, length=settings.list_length)
    if as_json:
        print_json({"rules": found.reaches, "items": found.items, "left": found.left, "warnings": found.warnings})
    else:
        _print(found)
    if found.warnings:
        raise typer.Exit(1)


def _place(file: str) -> str:
    try:
        return file_place(file)
    except ValueError as error:
        raise typer.BadParameter(f"{file}: {error}", param_hint="FILE") from None


def _catalog(settings: Settings) -> Catalog | None:
    """The catalogue; None, and said on stderr, where Kafka does not run: this command starts nothing."""
    stack = Stack(settings)
    if next(each for each in stack.status() if each.name == "kafka").state not in ("running", "external"):
        progress("Kafka does not run, so that no item is counted: `sightline up`, or set SIGHTLINE_KAFKA")
        return None
    return asyncio.run(read_catalog(settings, stack.endpoints()))


def _print(found: Survey) -> None:
    console = results()
    table = Table("rule", "does", "holds", "names", "decides")
    for reach in found.reaches:
        counts = ("", "") if reach.named is None else (str(reach.named), str(reach.decides))
        table.add_row(reach.name, reach.does, reach.holds, *counts)
    console.print(table)
    if found.items is not None:
        console.print(f"{found.items} items can be shown, {found.left} of them are not excluded", soft_wrap=True)
    for warning in found.warnings:
        console.print(f"warning: {warning}", soft_wrap=True)
