"""The command `sightline demo`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import JsonOption


def demo(
    images: Annotated[
        Path | None, typer.Option(help="Use this folder's pictures (sub-folder = category) instead of drawn ones.")
    ] = None,
    pictures: Annotated[int, typer.Option(min=20, max=5000, help="How many pictures to upload.")] = 300,
    once: Annotated[bool, typer.Option("--once", help="Measure, write a page and its picture, and end.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack, workers and catalogue running.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the whole recommender at work on real Kafka, Redis and Triton: a page to shop on, until Ctrl-C.

    With --once, which --json implies, it measures what shoppers get in about two minutes instead, and ends.
    """
    from cli.demo.run import run

    run(images, pictures, once=once or as_json, keep=keep, as_json=as_json)
