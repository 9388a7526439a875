"""What `sightline bench bandit` does: it judges exploration by the log of a random policy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from benchmarks.evaluation.bandit.judge import judge_bandit
from benchmarks.evaluation.log import UnreadableLog
from cli.output import print_json, results

_ROWS = {"inverse propensity": "ips", "self-normalised": "snips", "doubly robust": "doubly_robust"}


def judge(data: Path, seed: int, as_json: bool) -> None:
    """Judge Thompson sampling by the log in `data`, and print its click rate."""
    try:
        found = judge_bandit(data, seed)
    except UnreadableLog as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Mapping[str, Any]) -> None:
    caption = f"{found['impressions']:,} impressions, {found['clicks']:,} clicks; low, high: 95 % interval"
    table = Table("click rate", "value", "low", "high", caption=caption)
    for name, key in _ROWS.items():
        table.add_row(f"Thompson sampling, {name}", *_numbers(found[key]))
    uniform = {"value": found["uniform"], "low": found["uniform_low"], "high": found["uniform_high"]}
    table.add_row("uniform, as logged", *_numbers(uniform))
    for name, rates in found["other_policies"].items():
        table.add_row(f"{name}, as logged", *_numbers(rates))
    console = results()
    console.print(table)
    verdict = "above" if found["low"] > found["uniform"] else "NOT above"
    console.print(f"the lower end of the doubly robust interval is {verdict} uniform")
    console.print(
        f"the log says as much of this policy as {found['effective_impressions']:,.0f} impressions of its own"
    )


def _numbers(rates: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(f"{rates[name]:.5f}" for name in ("value", "low", "high"))
