"""What `sightline export-model` does: it writes the CNN into a folder that Triton serves."""

from pathlib import Path
from typing import Literal

from cli.output import print_json, progress, results
from inference.errors import ExportError


def export(
    repository: Path,
    platform: Literal["cpu", "gpu"],
    architecture: str,
    name: str,
    projection: Path | None,
    as_json: bool,
) -> None:
    """Export the model; raises ExportError if what the export needs is not installed."""
    progress(f"exporting {architecture} for {platform}, about 15 s")
    try:
        from inference.encoders.export import export_model  # torch is an extra that may be missing
    except ModuleNotFoundError as error:
        raise ExportError(f"{error.name} is not installed: run `uv sync --all-extras`") from error
    folder = export_model(repository, name=name, platform=platform, architecture=architecture, projection=projection)
    if as_json:
        print_json({"model": folder, "platform": platform, "architecture": architecture})
    else:
        results().print(f"{folder} is ready: tritonserver --model-repository={repository}", soft_wrap=True)
