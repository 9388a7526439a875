"""The safety model without Triton, and how often it errs on pictures that show nothing unsafe."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.errors import ExportError
from streams.settings import Settings

#: The scores from which on a picture may be called unsafe: that of the settings, and lower ones.
_THRESHOLDS: Final = (Settings.model_fields["unsafe_from"].default, 0.5, 0.2)


@dataclass(frozen=True, slots=True)
class SafetyFigures:
    """The share of a set's pictures with at least each score, the highest one, and processor time of a picture.

    Nothing is said of what the model finds: no set has unsafe pictures.
    """

    false_alarms: dict[str, float]
    highest: float
    ms: float


class LocalSafety:
    """Judges pictures one after the other, on one thread, as the Triton model does."""

    def __init__(self) -> None:
        """Raises ExportError where an extra is missing."""
        try:
            import onnxruntime  # type: ignore[import-untyped]  # it has no types

            from inference.safety.export import safety_network
        except ModuleNotFoundError as error:
            raise ExportError(f"{error.name} is not installed: run `uv sync --all-extras`") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(safety_network().SerializeToString(), options)

    def measure(self, pictures: Sequence[NDArray[np.uint8]]) -> SafetyFigures:
        """Judge pictures uint8 [224, 224, 3]."""
        begun = time.process_time()
        scores = np.array([self._session.run(["unsafe"], {"pixels": each[None]})[0][0, 0] for each in pictures])
        ms = (time.process_time() - begun) / len(pictures) * 1000
        shares = {f"from_{least}": round(float((scores >= least).mean()), 4) for least in _THRESHOLDS}
        return SafetyFigures(shares, round(float(scores.max()), 4), round(ms, 3))
