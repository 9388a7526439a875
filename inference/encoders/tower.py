"""Any image tower in an ONNX file, such as CLIP's or DINO's, as a graph from our pixels to our embeddings."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]  # it has no types
from google.protobuf.message import DecodeError, EncodeError  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from inference.encoders.encoder import SHAPE
from inference.encoders.look.projection import orthogonal
from inference.errors import ExportError

#: Of one file: protobuf holds no more.
_BYTES_LIMIT: Final = 2 << 30
#: The first in which all that stands around the tower means the same.
_LEAST_OPSET: Final = 13
_SIDES: Final = range(32, 1025)
#: Names of the tower's parts begin with it, so that they meet none of ours.
_PREFIX: Final = "tower/"
#: What else the libraries raise for files that are no model, or none that runs.
_UNREADABLE: Final = (OSError, ValueError, RuntimeError, DecodeError, EncodeError, onnx.checker.ValidationError)

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Tower:
    """An ONNX file that makes features [N, F] of float pictures [N, 3, side, side]: RGB, (x / 255 - mean) / std.

    `side` is needed where its input leaves that open, `output` where it has several that could be the features.
    """

    path: Path
    mean: Colour = (0.485, 0.456, 0.406)
    std: Colour = (0.229, 0.224, 0.225)
    side: int | None = None
    output: str | None = None

    @property
    def called(self) -> str:
        """Its name in versions: what decides its vectors is in the digest, so that they meet no others.

        Raises ExportError for what is no model.
        """
        digest = hashlib.sha256(repr(astuple(self)[1:]).encode())
        for path in (self.path, *_weights_beside(self.path)):
            with path.open("rb") as file:
                while part := file.read(1 << 20):
                    digest.update(part)
        stem = re.sub(r"[^a-z0-9]+", "-", self.path.stem.lower()).strip("-")[:64] or "tower"
        return f"{stem}-{digest.hexdigest()[:8]}"


def write_tower(tower: Tower, path: Path, dimensions: int, *, free_batch: bool = False) -> None:
    """Write one ONNX file: `pixels` uint8 [N, 224, 224, 3] → `embedding` float32 [N, dimensions] of unit length.

    Pixels are scaled to the tower's side, and features that are more or fewer are mapped by a random orthogonal matrix,
    which keeps cosines roughly. `free_batch`: the tower must take any N, as on a GPU. Raises ExportError.
    """
    try:
        model = _read(tower.path)
        source, is_free, side = _input(model, tower)
        if free_batch and not is_free:
            raise ExportError(f"{tower.path} takes one picture at a time: export it with a free batch for a GPU")
        name, features = _output(model, tower, source, side)
        onnx.save(_around(model, tower, source, side, name, _matrix(features, dimensions)), path)
        found = _run(path, "embedding", {"pixels": np.full((1, *SHAPE), 100, np.uint8)})
    except _UNREADABLE as error:
        raise ExportError(f"{tower.path} cannot be used as an image tower: {error}") from error
    if found.shape != (1, dimensions) or not np.isfinite(found).all() or abs(np.linalg.norm(found) - 1) > 1e-3:
        raise ExportError(f"{tower.path} makes no vector of a grey picture: its features are all zero, NaN or Inf")


def _weights_beside(path: Path) -> list[Path]:
    """The files in which a model keeps weights outside of its own."""
    try:
        tensors = onnx.load(path, load_external_data=False).graph.initializer
        places = {ExternalDataInfo(each).location for each in tensors if uses_external_data(each)}
        found = [path.parent / place for place in sorted(places)]
        if missing := [each for each in found if not each.is_file()]:
            raise ExportError(f"{path} has weights in {missing[0]}, which is not there: copy it, too")
    except _UNREADABLE as error:
        raise ExportError(f"{path} cannot be used as an image tower: {error}") from error
    return found


def _read(path: Path) -> Any:
    if path.stat().st_size >= _BYTES_LIMIT:
        raise ExportError(f"{path} has 2 GiB or more, which one ONNX file cannot hold: export it in half precision")
    model = onnx.load(path)
    onnx.checker.check_model(model)
    opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)
    if opset < _LEAST_OPSET:
        raise ExportError(f"{path} is of opset {opset}: export it with {_LEAST_OPSET} or newer")
    return compose.add_prefix(model, _PREFIX)


def _input(model: Any, tower: Tower) -> tuple[Any, bool, int]:
    """The one input, whether it takes any number of pictures at a time, and their side."""
    constants = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in constants]
    shapes = ", ".join(f"{_bare(each.name)} {_shape(each)}" for each in inputs)
    if len(inputs) != 1 or len(shape := _shape(inputs[0])) != 4 or shape[1] not in (0, 3) or shape[0] > 1:
        raise ExportError(f"{tower.path} takes {shapes or 'nothing'}, not pictures [N, 3, side, side] alone")
    kind = inputs[0].type.tensor_type.elem_type
    if kind not in (TensorProto.FLOAT, TensorProto.FLOAT16):
        raise ExportError(f"{tower.path} takes {TensorProto.DataType.Name(kind)}, not floats")
    side = tower.side or shape[2] or shape[3]
    if side not in _SIDES or any(given not in (0, side) for given in shape[2:]):
        fitting = f"the --side of a square that fits, {_SIDES[0]} to {_SIDES[-1]}"
        raise ExportError(f"{tower.path} takes pictures {shape}, of which 0 is free: give {fitting}")
    return inputs[0], shape[0] == 0, side


def _output(model: Any, tower: Tower, source: Any, side: int) -> tuple[str, int]:
    """The name of the features and their number, by a run on a black picture."""
    names = [_bare(each.name) for each in model.graph.output]
    if tower.output is not None and tower.output not in names:
        raise ExportError(f"{tower.path} has no output {tower.output!r}, but {', '.join(names)}")
    kind = helper.tensor_dtype_to_np_dtype(source.type.tensor_type.elem_type)
    black = {source.name: np.zeros((1, 3, side, side), kind)}
    found = {name: _run(model, _PREFIX + name, black) for name in ([tower.output] if tower.output else names)}
    flat = {name: each for name, each in found.items() if each.ndim >= 2 and each.size == each.shape[1] > 1}
    if len(flat) != 1:
        shapes = ", ".join(f"{name} {list(each.shape)}" for name, each in found.items())
        raise ExportError(f"{tower.path} gives {shapes}: name the --output with one vector [N, F] a picture")
    ((name, features),) = flat.items()
    return _PREFIX + name, features.shape[1]


def _matrix(features: int, dimensions: int) -> NDArray[np.float32] | None:
    return None if features == dimensions else orthogonal(features, dimensions).matrix


def _around(
    model: Any, tower: Tower, source: Any, side: int, name: str, matrix: NDArray[np.float32] | None
) -> onnx.ModelProto:
    """The tower between what makes its pictures of our pixels, and what makes embeddings of its features."""
    kind = source.type.tensor_type.elem_type
    constants = {
        "mean": 255 * np.array(tower.mean, np.float32).reshape(1, 3, 1, 1),
        "std": 255 * np.array(tower.std, np.float32).reshape(1, 3, 1, 1),
        # A little more than the side: sizes are rounded down, and scales have 24 bits.
        "scales": np.array([1, 1, *[(side + 0.01) / SHAPE[0]] * 2], np.float32),
    }
    before = [
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["floats"], to=TensorProto.FLOAT),
        *([] if side == SHAPE[0] else [helper.make_node("Resize", ["floats", "", "scales"], ["sized"], mode="linear")]),
        helper.make_node("Sub", ["floats" if side == SHAPE[0] else "sized", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["scaled"]),
        helper.make_node("Cast", ["scaled"], [source.name], to=kind),
    ]
    after = [
        helper.make_node("Flatten", [name], ["flat"], axis=1),
        helper.make_node("Cast", ["flat"], ["features"], to=TensorProto.FLOAT),
        *([] if matrix is None else [helper.make_node("MatMul", ["features", "matrix"], ["mapped"])]),
        helper.make_node("LpNormalization", ["features" if matrix is None else "mapped"], ["embedding"], axis=1, p=2),
    ]
    constants |= {} if matrix is None else {"matrix": matrix}
    graph = onnx.GraphProto()
    graph.CopyFrom(model.graph)
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend([*before, *model.graph.node, *after])
    graph.initializer.extend(numpy_helper.from_array(each, each_name) for each_name, each in constants.items())
    graph.input.append(helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", *SHAPE]))
    graph.output.append(helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", None]))
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    whole.graph.CopyFrom(graph)
    return whole


def _run(model: Any, output: str, given: dict[str, NDArray[Any]]) -> NDArray[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    try:
        session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        found: NDArray[Any] = session.run([output], given)[0]
    except Exception as error:  # ONNX Runtime's errors have no base of their own
        raise ValueError(str(error)[:500]) from error
    return found


def _shape(value: Any) -> list[int]:
    """The lengths of a tensor; 0 for one that is free."""
    return [each.dim_value for each in value.type.tensor_type.shape.dim]


def _bare(name: str) -> str:
    return name.removeprefix(_PREFIX)


def colours_of(text: str) -> Colour:
    """Three numbers with commas between them; raises ValueError.

    >>> colours_of("0.5,0.5,0.5")
    (0.5, 0.5, 0.5)
    """
    parts: Sequence[float] = [float(part) for part in text.split(",")]
    if len(parts) != 3 or not np.isfinite(parts).all():
        raise ValueError(f"{text[:100]!r} is not three numbers, such as 0.5,0.5,0.5")
    return parts[0], parts[1], parts[2]
