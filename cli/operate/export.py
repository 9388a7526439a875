"""What `sightline export-model` does: it writes the CNN into a folder that Triton serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cli.output import print_json, progress, results
from inference.errors import ExportError

if TYPE_CHECKING:
    from inference.encoders.tower import Tower


@dataclass(frozen=True, slots=True)
class AskedTower:
    """An ONNX file, and what is said of it; what is None is as `inference.encoders.tower` has it."""

    path: Path
    mean: str | None
    std: str | None
    side: int | None
    output: str | None


@dataclass(frozen=True, slots=True)
class ExportedEncoder:
    """Which encoder is asked for; `calibrate`: a folder of pictures, for `int8`. A `tower` takes the place of all."""

    platform: Literal["cpu", "gpu"]
    architecture: str
    name: str
    projection: Path | None
    int8: bool
    calibrate: Path | None
    tower: AskedTower | None = None


def export(repository: Path, encoder: ExportedEncoder, words: bool, gate: Sequence[str], as_json: bool) -> None:
    """Export the encoder, and what is asked for beside it; raises ExportError if what the export needs is missing."""
    source = encoder.architecture if encoder.tower is None else encoder.tower.path.name
    progress(f"exporting {source} for {encoder.platform}, about 15 s")
    try:
        import inference.encoders.export  # noqa: F401  # torch is an extra that may be missing
        from inference.gate.export import export_gate
        from inference.gate.scores import MODELS
        from inference.words.export import export_words
    except ModuleNotFoundError as error:
        raise ExportError(f"{error.name} is not installed: run `uv sync --all-extras`") from error
    folder, version = _export_encoder(repository, encoder)
    if words:
        progress("exporting the text tower, about 20 s")
    tower = export_words(repository) if words else None
    judges = {model: export_gate(repository, name=model) for model in gate}
    if as_json:
        made = {"model": folder, "words": tower, "gate": judges, "encoder": version}
        print_json({**made, "platform": encoder.platform, "architecture": source})
    else:
        ready = ", ".join(str(each) for each in (folder, tower, *judges.values()) if each is not None)
        results().print(f"ready: {ready}; tritonserver --model-repository={repository}", soft_wrap=True)
        results().print(f"its vectors are of {version}", soft_wrap=True)
        if faults := [fault for fault, model in MODELS.items() if model in judges]:
            asked = ",".join(f"{fault}:hold" for fault in faults)
            progress(f"uploads are judged by what the setting names: SIGHTLINE_GATE={asked} (docs/gate.md)")


def _export_encoder(repository: Path, encoder: ExportedEncoder) -> tuple[Path, str]:
    """Export the encoder; its folder, and its version."""
    from inference.encoders.export import encoder_version, export_model, export_tower, tower_version

    if encoder.tower is not None:
        tower = _tower(encoder.tower)
        folder = export_tower(repository, tower, name=encoder.name, platform=encoder.platform)
        return folder, tower_version(tower)
    calibration = _calibration(encoder.calibrate) if encoder.int8 else None
    folder = export_model(
        repository,
        name=encoder.name,
        platform=encoder.platform,
        architecture=encoder.architecture,
        projection=encoder.projection,
        calibration=calibration,
    )
    return folder, encoder_version(encoder.architecture, encoder.projection, calibration)


def _tower(asked: AskedTower) -> "Tower":
    """Raises ExportError for a mean or deviation that is none."""
    from inference.encoders.tower import Tower, colours_of

    given = {name: text for name, text in (("mean", asked.mean), ("std", asked.std)) if text is not None}
    try:
        said = {name: colours_of(text) for name, text in given.items()}
    except ValueError as error:
        raise ExportError(f"--{' and --'.join(given)}: {error}") from error
    if not all(said.get("std", (1.0,))):
        raise ExportError("--std: a deviation of 0 divides by nothing")
    return Tower(asked.path, side=asked.side, output=asked.output, **said)


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
