"""What `sightline export-model` does: it writes the CNN into a folder that Triton serves."""

from collections.abc import Sequence
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
    gate: Sequence[str],
    as_json: bool,
) -> None:
    """Export the encoder, and what is asked for beside it; raises ExportError if what the export needs is missing."""
    progress(f"exporting {architecture} for {platform}, about 15 s")
    try:
        from inference.encoders.export import export_model  # torch is an extra that may be missing
        from inference.gate.export import export_gate
        from inference.gate.scores import MODELS
        from inference.words.export import export_words
    except ModuleNotFoundError as error:
        raise ExportError(f"{error.name} is not installed: run `uv sync --all-extras`") from error
    folder = export_model(repository, name=name, platform=platform, architecture=architecture, projection=projection)
    if words:
        progress("exporting the text tower, about 20 s")
    tower = export_words(repository) if words else None
    judges = {model: export_gate(repository, name=model) for model in gate}
    if as_json:
        made = {"model": folder, "words": tower, "gate": judges}
        print_json({**made, "platform": platform, "architecture": architecture})
    else:
        ready = ", ".join(str(each) for each in (folder, tower, *judges.values()) if each is not None)
        results().print(f"ready: {ready}; tritonserver --model-repository={repository}", soft_wrap=True)
        if faults := [fault for fault, model in MODELS.items() if model in judges]:
            asked = ",".join(f"{fault}:hold" for fault in faults)
            progress(f"uploads are judged by what the setting names: SIGHTLINE_GATE={asked} (docs/gate.md)")
