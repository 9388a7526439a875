"""What an exported network costs and finds: processor time, size of the file that Triton loads, and its vectors."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray

from inference.encoders.encoder import SHAPE
from inference.encoders.export import Encoder, write_onnx
from inference.errors import ExportError

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
        return graph_cost(path, pixels)


def graph_cost(path: Path, pixels: NDArray[np.uint8]) -> EncoderCost:
    """Run the graph of an exported model on up to 100 of the pictures, uint8 [n, 224, 224, 3]."""
    session = session_of(path)
    for picture in pixels[:_WARM]:
        session.run(None, {"pixels": picture[None]})
    times = []
    for picture in pixels[:_TIMED]:
        begun = time.process_time()
        session.run(None, {"pixels": picture[None]})
        times.append(time.process_time() - begun)
    return EncoderCost(round(float(np.median(times)) * 1000, 2), round(path.stat().st_size / 2**20, 2))


def graph_looks(path: Path, threads: int = 1) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """What makes the unit embeddings [n, dimensions] of pictures as Triton would; raises ExportError."""
    try:
        session = session_of(path, threads)
        looks_of(session, np.zeros((1, *SHAPE), np.uint8))
    except Exception as error:  # ONNX Runtime's errors have no base of their own
        raise ExportError(f"{path} is no model.onnx that `sightline export-model` wrote: {str(error)[:300]}") from error
    return partial(looks_of, session)


def looks_of(session: onnxruntime.InferenceSession, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The unit embeddings [n, dimensions] of pictures uint8 [n, 224, 224, 3], one by one as Triton runs them."""
    return np.concatenate([session.run(["embedding"], {"pixels": each[None]})[0] for each in pixels])


def session_of(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """What runs the graph of an exported model on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
