"""What the exported network costs: processor time and size of the file that Triton loads."""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray

from inference.encoders.export import Encoder, write_onnx

_WARM = 20
_TIMED = 100


@dataclass(frozen=True, slots=True)
class EncoderCost:
    """`ms` is the median processor time of a picture, alone, on one thread; `mib` the size of the ONNX file."""

    ms: float
    mib: float


def encoder_cost(encoder: Encoder, pixels: NDArray[np.uint8]) -> EncoderCost:
    """Export the encoder and run up to 100 of the pictures, uint8 [n, 224, 224, 3]."""
    with TemporaryDirectory(prefix="sightline-cost-") as folder:
        path = Path(folder) / "model.onnx"
        write_onnx(encoder, path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        for picture in pixels[:_WARM]:
            session.run(None, {"pixels": picture[None]})
        times = []
        for picture in pixels[:_TIMED]:
            begun = time.process_time()
            session.run(None, {"pixels": picture[None]})
            times.append(time.process_time() - begun)
        mib = path.stat().st_size / 2**20
    return EncoderCost(round(float(np.median(times)) * 1000, 2), round(mib, 2))
