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
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack, workers and catalogue running.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the whole recommender at work on real Kafka, Redis and Triton, in about two minutes."""
    from cli.demo.run import run

    run(images, pictures, keep=keep, as_json=as_json)
