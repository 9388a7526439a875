"""`sightline worker`: one of our processes."""

from enum import StrEnum
from typing import Annotated

import typer
import uvloop

from deploy.local import Stack
from streams.settings import read_settings
from streams.worker.process import run_worker
from streams.worker.resources import Addresses


class WorkerChoice(StrEnum):
    """What a worker does."""

    interactions = "interactions"
    uploads = "uploads"
    items = "items"


def worker(name: Annotated[WorkerChoice, typer.Argument(help="Which events it handles.")]) -> None:
    """Run one worker until it is told to stop (SIGTERM or Ctrl-C)."""
    settings = read_settings()
    found = Stack(settings).endpoints()
    addresses = Addresses(found.kafka, found.redis, found.triton)
    raise typer.Exit(uvloop.run(run_worker(name.value, settings, addresses)))
