"""The models of the gate without Triton: how often they err on pictures without the fault, and what they find."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.gate.texts import TEXTS
from features.vision.decode import Picture
from features.vision.gate.table import BY_TILES, ModelFault
from inference.errors import ExportError
from streams.settings import Settings

See = Callable[[Image.Image], Picture]


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """Shares of the pictures of a set. `false_alarms` are by score: that of the settings, and others.

    `highest` is the highest score, `ms` the processor time of a picture, and `found` are the shares found by what was
    put on pictures; of `unsafe` nothing is, since no set has such pictures.
    """

    false_alarms: dict[str, float]
    highest: float
    ms: float
    found: dict[str, float]


class LocalModel:
    """Judges pictures one after the other, on one thread, as the model of Triton does."""

    def __init__(self, fault: ModelFault) -> None:
        """Raises ExportError where an extra is missing."""
        try:
            import onnxruntime  # type: ignore[import-untyped]  # it has no types

            from inference.gate.export import NETWORKS
        except ModuleNotFoundError as error:
            raise ExportError(f"{error.name} is not installed: run `uv sync --all-extras`") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(NETWORKS[fault]().SerializeToString(), options)
        self._fault = fault
        self._least = float(Settings.model_fields[f"{fault}_from"].default)

    def measure(self, pictures: Sequence[Picture], few: Sequence[Image.Image], see: See) -> ModelFigures:
        """Judge pictures without the fault, and a few on which `see` looks after it was put on them."""
        begun = time.process_time()
        scores = np.array([self._score(each) for each in pictures])
        ms = (time.process_time() - begun) / len(pictures) * 1000
        levels = sorted({self._least, 0.2, 0.5}, reverse=True)
        alarms = {f"from_{level}": round(float((scores >= level).mean()), 4) for level in levels}
        changes = TEXTS if self._fault == "text" else {}
        found = {
            name: round(float(np.mean([self._score(see(put(image))) >= self._least for image in few])), 4)
            for name, put in changes.items()
        }
        return ModelFigures(alarms, round(float(scores.max()), 4), round(ms, 3), found)

    def _score(self, picture: Picture) -> float:
        """That of the middle square, or the highest of the tiles."""
        seen = picture.tiles if self._fault in BY_TILES and picture.tiles is not None else picture.views
        return max(map(self._score_of, seen))

    def _score_of(self, pixels: NDArray[np.uint8]) -> float:
        (output,) = self._session.run([self._fault], {"pixels": pixels[None]})
        if self._fault == "text":
            from inference.gate.repository.text import answer

            output = answer(output)
        return float(output[0, 0])
