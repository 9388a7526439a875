"""One merchant with many items asks for an export that no single record can hold: nobody else notices."""

import json
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.field.case import Case, equal, tried
from benchmarks.field.system import System, arrived, await_that
from benchmarks.harness.catalogue import draw_items, publish_items
from streams.wire.topics import CATALOG

ITEMS = 20_000
_CASE = f"X1 a merchant with {ITEMS:,} items asks for an export"
_WANTED = f"exit 0, {ITEMS} items, another user served: True, /healthz 200"


def export_cases(system: System) -> Iterator[Case]:
    """X1."""
    yield tried(_CASE, _WANTED, _large_export, system)


def _large_export(system: System) -> Case:
    items = [
        replace(each, item_id=f"{each.item_id}-{'x' * 50}", owner="merchant")
        for each in draw_items(ITEMS, system.settings.dimensions)
    ]
    publish_items(system.endpoints.kafka, system.topic(CATALOG), items)
    system.click("merchant", items[0].item_id, "merchant-1")
    await_that(lambda: "merchant" in arrived(system, ["merchant"]))
    done = system.sightline("user", "export", "merchant", "--timeout", "90", "--json")
    owned = len(json.loads(done.stdout.splitlines()[-1])["owned"]) if done.returncode == 0 else done.stderr[-200:]
    system.click("other", items[1].item_id, "other-1")
    served = await_that(lambda: "other" in arrived(system, ["other"]), 20.0)
    alive = system.probe("interactions", "/healthz")[0]
    seen = f"exit {done.returncode}, {owned} items, another user served: {served}, /healthz {alive}"
    return equal(_CASE, _WANTED, seen)
