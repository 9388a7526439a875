"""The command `sightline bench served`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.output import JsonOption, progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: With few pictures the nearest ones of each are nearly all others.
_FEWEST: Final = 10


def served(
    graph: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The model.onnx that Triton serves; else that of this machine."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Pictures in a folder, or images.tar and labels.csv in it; else drawn.",
        ),
    ] = None,
    pictures: Annotated[int, typer.Option(min=_FEWEST, help="How many pictures, at most.")] = 500,
    as_json: JsonOption = False,
) -> None:
    """The running Triton against the graph that it serves: do vectors agree, and how fast is it; for GPUs above all."""
    import asyncio

    from benchmarks.retrieval.served import measure_served
    from cli.bench.report import report
    from deploy.local import Stack
    from streams.credentials import triton_tls
    from streams.settings import read_settings

    settings = read_settings()
    if graph is None:
        graph = _graph_here(settings.tools / "models" / settings.encoder)
    pixels = _pixels(data, pictures)
    measured = measure_served(
        Stack(settings).endpoints().triton,
        graph,
        pixels,
        model=settings.encoder,
        dimensions=settings.dimensions,
        calls=settings.encode_inflight,
        tls=triton_tls(settings),
        progress=progress,
    )
    report(lambda: asyncio.run(measured), as_json)


def _graph_here(model: Path) -> Path:
    """The graph that the Triton of this machine serves."""
    from deploy.triton_server import newest_version

    if not model.is_dir():
        raise typer.BadParameter(f"{model} is not there: name the model.onnx that Triton serves", param_hint="--graph")
    return newest_version(model) / "model.onnx"


def _pixels(data: Path | None, pictures: int) -> "NDArray[np.uint8]":
    import numpy as np

    from benchmarks.retrieval.album import UnreadableAlbum
    from benchmarks.retrieval.served import read_pictures
    from benchmarks.world.pictures import draw_catalogue
    from features.vision.decode import decode

    if data is None:
        return np.stack([decode(item.jpeg).pixels for item in draw_catalogue(pictures, seed=1)])
    try:
        found = read_pictures(data, pictures)
    except UnreadableAlbum as error:
        raise typer.BadParameter(str(error), param_hint="--data") from error
    if len(found) < _FEWEST:
        raise typer.BadParameter(
            f"{data} has {len(found)} pictures that can be read, and {_FEWEST} are needed", param_hint="--data"
        )
    return np.stack(found)
