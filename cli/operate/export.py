"""`sightline export-model`: the CNN becomes a folder that Triton serves."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.output import JsonOption, print_json, progress, results
from inference.errors import ExportError


class PlatformChoice(StrEnum):
    """What Triton will run the model on, as a word on the command line."""

    CPU = "cpu"
    GPU = "gpu"


RepositoryOption = Annotated[Path, typer.Option(help="Triton's model repository; made when absent.")]
PlatformOption = Annotated[PlatformChoice, typer.Option(help="The configuration to write.")]
ArchitectureOption = Annotated[
    str, typer.Option(help="efficientnet_lite0, or a timm name where a model hub can be reached.")
]
NameOption = Annotated[str, typer.Option(help="The model's name in Triton.")]


def export_model_command(
    repository: RepositoryOption = Path("model-repository"),
    platform: PlatformOption = PlatformChoice.CPU,
    architecture: ArchitectureOption = "efficientnet_lite0",
    name: NameOption = "visual_encoder",
    as_json: JsonOption = False,
) -> None:
    """Export an ImageNet CNN with its 256-d projection as a Triton model."""
    progress(f"exporting {architecture} for {platform.value}, about 15 s")
    try:
        from inference.encoders.export import export_model  # here: torch takes seconds to import
    except ModuleNotFoundError as error:
        raise ExportError(f"{error.name} is not installed: run `uv sync --all-extras`") from error
    folder = export_model(repository, name=name, platform=platform.value, architecture=architecture)
    if as_json:
        print_json({"model": folder, "platform": platform.value, "architecture": architecture})
    else:
        results().print(f"{folder} is ready: tritonserver --model-repository={repository}", soft_wrap=True)
