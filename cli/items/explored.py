"""What `sightline items explored` does: it prints what lists have learned of the latest uploads, by category."""

import asyncio

import msgspec
from rich.table import Table

from cli.output import print_json, results
from cli.running import running_stores
from cli.user.stored import read_catalog, stores
from deploy.local import Endpoints
from inference.exploration.newcomers import CategoryRate, category_rates, count_met, latest_keys
from streams.settings import Settings, read_settings


def print_explored(as_json: bool) -> None:
    """Print for each category how many users met and chose its latest uploads, and what is expected of a new one."""
    settings = read_settings()
    with running_stores(settings) as endpoints:
        found = asyncio.run(_rates(settings, endpoints))
    if as_json:
        print_json({"explore_share": settings.explore_share, "categories": msgspec.to_builtins(found)})
        return
    title = f"the latest uploads; new items get {settings.explore_share:.0%} of a list at most"
    table = Table("category", "items", "known by few", "users met them", "chose them", "expected rate", title=title)
    for each in found:
        counts = map(str, (each.items, each.newcomers, each.met, each.chosen))
        table.add_row("none" if each.category is None else each.category, *counts, f"{each.rate:.1%}")
    results().print(table)


async def _rates(settings: Settings, endpoints: Endpoints) -> list[CategoryRate]:
    catalog = await read_catalog(settings, endpoints)
    async with stores(settings, endpoints) as (_, signals):
        met = count_met(await signals.behaviours(latest_keys(catalog)))
    return category_rates(met, catalog)
