"""An exported network with convolutions of 8-bit integers: about half the time, where the processor multiplies them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (  # type: ignore[import-untyped]  # it has no types
    CalibrationDataReader,
    QuantType,
    quant_pre_process,
    quantize_static,
)

from inference.errors import ExportError

#: Different pictures that are needed at least, to see how far each layer's values reach.
FEWEST: Final = 16
#: An activation is quantised with its convolution, so that its bounds are those of the integers.
_ACTIVATION: Final = "Clip"
_KINDS: Final = ("Conv", _ACTIVATION, "Add")
#: Nodes between the pixels and the first convolution that its quantised input stands for.
_SCALING: Final = ("QuantizeLinear", "Div", "Sub")


def quantise(path: Path, pictures: NDArray[np.uint8], *, mean: int, std: int) -> None:
    """Make the convolutions of an ONNX file int8: of `pixels` that become (x - mean) / std before the first of them.

    Weights are int8 by channel, values between layers uint8, and their ranges those that `pictures`, uint8
    [n, 224, 224, 3], reach (Jacob et al. 2018). What follows the last convolution stays float32. Raises ExportError.
    """
    check_pictures(pictures)
    nodes = onnx.load(path).graph.node
    if any(node.op_type in ("QuantizeLinear", "QLinearConv") for node in nodes):
        raise ExportError(f"{path} is quantised already: export the network again")
    inside = _between_convolutions(nodes)
    if not inside:
        raise ExportError(f"{path} has no convolutions, and only these are made int8")
    # It infers the shapes that quantising needs.
    quant_pre_process(path, path, skip_optimization=True, skip_symbolic_shape=True)
    scaled = next(node.input[0] for node in nodes if node.op_type == "Conv")
    exact = {"scale": np.array(1 / std, np.float32), "zero_point": np.array(mean, np.uint8)}
    quantize_static(
        path,
        path,
        _Pictures(pictures),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=list(_KINDS),
        nodes_to_quantize=inside,
        extra_options={"TensorQuantOverrides": {scaled: [exact]}},
    )
    model = onnx.load(path)
    _read_pixels(model.graph)
    onnx.save(model, path)


def check_pictures(pictures: NDArray[np.uint8]) -> None:
    """Raise ExportError unless FEWEST of the pictures [n, …] are different."""
    different = len({picture.tobytes() for picture in pictures})
    if different < FEWEST:
        raise ExportError(f"{different} different pictures are too few to calibrate int8: {FEWEST} at least")


def calibration_digest(pictures: NDArray[np.uint8]) -> str:
    """What stands for these pictures in the name of an encoder: other ranges make other vectors."""
    return hashlib.sha256(np.ascontiguousarray(pictures).data).hexdigest()[:8]


class _Pictures(CalibrationDataReader):  # type: ignore[misc]  # it has no types
    """The pictures one by one, as the calibration asks for them."""

    def __init__(self, pictures: NDArray[np.uint8]) -> None:
        self._left = iter(pictures)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Return the next picture as the graph's input; None after the last."""
        picture = next(self._left, None)
        return None if picture is None else {"pixels": picture[None]}


def _between_convolutions(nodes: Sequence[Any]) -> list[str]:
    """Names of the convolutions, and of the activations and sums that read nothing but what these make."""
    names, made = [], set[str]()
    for node in nodes:
        # The bounds of an activation are constants.
        read = node.input[:1] if node.op_type == _ACTIVATION else node.input
        if node.op_type == "Conv" or (node.op_type in _KINDS and made.issuperset(read)):
            names.append(node.name)
            made.update(node.output)
    return names


def _read_pixels(graph: Any) -> None:
    """Let the first convolution read the pixels as they are: its input's scale and zero point say what they mean."""
    makers = {output: node for node in graph.node for output in node.output}
    first = makers[next(node.input[0] for node in graph.node if node.op_type == "Conv")]
    node = makers[first.input[0]]
    while node.op_type in _SCALING:
        graph.node.remove(node)
        node = makers[node.input[0]]
    first.input[0] = node.input[0]  # past the cast to float
    read = {name for node in graph.node for name in node.input}
    for each in [each for each in graph.initializer if each.name not in read]:
        graph.initializer.remove(each)
