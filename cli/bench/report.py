"""Runs a measurement of `sightline bench` and prints its result."""

import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

from rich.table import Table

from benchmarks.harness.noise import NoiseWatch
from cli.bench.tables import Found, figures_table, noise_line
from cli.output import print_json, results
from streams.logs import configure_logs

F = TypeVar("F", bound=Found)


def begin() -> None:
    """Prepare the process: SIGTERM raises SystemExit, so that everything that was started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    configure_logs("warning")


def report(measure: Callable[[], F], as_json: bool, table: Callable[[F], Table] = figures_table) -> None:
    """Measure, and print the result with the noise of the machine during the measurement."""
    begin()
    with NoiseWatch() as watch:
        found = measure()
    noise = watch.found()
    if as_json:
        print_json({**asdict(found), "noise": asdict(noise)})
    else:
        results().print(table(found))
        results().print(noise_line(noise))
