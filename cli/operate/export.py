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
    words: bool,
    as_json: bool,
) -> None:
    """Export the model, and the text tower with `words`; raises ExportError if what the export needs is missing."""
    progress(f"exporting {architecture} for {platform}, about 15 s")
    try:
        from inference.encoders.export import export_model  # torch is an extra that may be missing
        from inference.words.export import export_words
    except ModuleNotFoundError as error:
        raise ExportError(f"{error.name} is not installed: run `uv sync --all-extras`") from error
    folder = export_model(repository, name=name, platform=platform, architecture=architecture, projection=projection)
    if words:
        progress("exporting the text tower, about 20 s")
    tower = export_words(repository) if words else None
    if as_json:
        print_json({"model": folder, "words": tower, "platform": platform, "architecture": architecture})
    else:
        both = folder if tower is None else f"{folder} and {tower}"
        verb = "is" if tower is None else "are"
        results().print(f"{both} {verb} ready: tritonserver --model-repository={repository}", soft_wrap=True)
