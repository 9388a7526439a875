"""What `sightline export-model` does: it writes the CNN into a folder that Triton serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cli.output import print_json, progress, results
from inference.errors import ExportError


@dataclass(frozen=True, slots=True)
class ExportedEncoder:
    """Which encoder is asked for; `calibrate`: a folder of pictures, for `int8`."""

    platform: Literal["cpu", "gpu"]
    architecture: str
    name: str
    projection: Path | None
    int8: bool
    calibrate: Path | None


def export(repository: Path, encoder: ExportedEncoder, words: bool, gate: Sequence[str], as_json: bool) -> None:
    """Export the encoder, and what is asked for beside it; raises ExportError if what the export needs is missing."""
    progress(f"exporting {encoder.architecture} for {encoder.platform}, about 15 s")
    try:
        from inference.encoders.export import encoder_version, export_model  # torch is an extra that may be missing
        from inference.gate.export import export_gate
        from inference.gate.scores import MODELS
        from inference.words.export import export_words
    except ModuleNotFoundError as error:
        raise ExportError(f"{error.name} is not installed: run `uv sync --all-extras`") from error
    calibration = _calibration(encoder.calibrate) if encoder.int8 else None
    decided = (encoder.architecture, encoder.projection, calibration)
    folder = export_model(
        repository,
        name=encoder.name,
        platform=encoder.platform,
        architecture=encoder.architecture,
        projection=encoder.projection,
        calibration=calibration,
    )
    if words:
        progress("exporting the text tower, about 20 s")
    tower = export_words(repository) if words else None
    judges = {model: export_gate(repository, name=model) for model in gate}
    version = encoder_version(*decided)
    if as_json:
        made = {"model": folder, "words": tower, "gate": judges, "encoder": version}
        print_json({**made, "platform": encoder.platform, "architecture": encoder.architecture})
    else:
        ready = ", ".join(str(each) for each in (folder, tower, *judges.values()) if each is not None)
        results().print(f"ready: {ready}; tritonserver --model-repository={repository}", soft_wrap=True)
        results().print(f"its vectors are of {version}", soft_wrap=True)
        if faults := [fault for fault, model in MODELS.items() if model in judges]:
            asked = ",".join(f"{fault}:hold" for fault in faults)
            progress(f"uploads are judged by what the setting names: SIGHTLINE_GATE={asked} (docs/gate.md)")


def _calibration(folder: Path | None) -> NDArray[np.uint8]:
    """Pictures uint8 [n, 224, 224, 3] of a folder, however deep; without one drawn ones. Raises ExportError."""
    from benchmarks.world.calibration import CALIBRATED_ON, SEED, drawn_calibration
    from cli.train.pictures import unlabelled_pictures

    if folder is None:
        progress("int8: drawing the pictures that it is calibrated on; half a minute more")
        return drawn_calibration()
    found = unlabelled_pictures(folder, SEED, CALIBRATED_ON)
    if not found:
        raise ExportError(f"{folder} has no pictures that can be read, to calibrate int8 on")
    return np.stack(found)
