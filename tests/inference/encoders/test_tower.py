"""An image tower of somebody else becomes an encoder, or is refused with what to do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inference.encoders.export import export_tower, tower_version
from inference.encoders.tower import Tower, colours_of, write_tower
from inference.errors import ExportError

FEATURES = 300
Shape = list[int | str]


def tower(
    path: Path,
    shape: Shape | None = None,
    *,
    features: int = FEATURES,
    opset: int = 17,
    kind: int = TensorProto.FLOAT,
    tokens: bool = False,
    scale: float = 1.0,
) -> Path:
    """A tower whose features are random sums of the mean of each of 8 × 8 parts of each plane."""
    shape = ["N", 3, 96, 96] if shape is None else shape
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    side = shape[3] if isinstance(shape[3], int) and shape[1] == 3 else 96
    # A larger one is refused before it is run: weights that fit would be gigabytes.
    cells = 3 * (min(side, 1024) // 12) ** 2
    weights = scale * np.random.default_rng(0).standard_normal((cells, features))
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixel_values"], ["whole"]),
        helper.make_node("AveragePool", ["pixel_values"], ["parts"], kernel_shape=[12, 12], strides=[12, 12]),
        helper.make_node("Sub", ["parts", "whole"], ["centred"]),
        helper.make_node("Flatten", ["centred"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["features"]),
        helper.make_node("Flatten", ["parts"], ["other"]),
    ]
    outputs = [helper.make_tensor_value_info("features", kind, ["N", features])]
    if tokens:
        outputs.append(helper.make_tensor_value_info("parts", kind, ["N", 3, 8, 8]))
        outputs.append(helper.make_tensor_value_info("other", kind, ["N", 192]))
    graph = helper.make_graph(
        nodes,
        "tower",
        [helper.make_tensor_value_info("pixel_values", kind, shape)],
        outputs,
        [numpy_helper.from_array(weights.astype(dtype), "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, path)
    return path


def run(path: Path, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(["embedding"], {"pixels": pixels})[0]
    return found


def pictures(count: int) -> NDArray[np.uint8]:
    parts = np.random.default_rng(1).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return parts.repeat(28, axis=1).repeat(28, axis=2)


def expected(pixels: NDArray[np.uint8], mean: float, std: float) -> NDArray[np.float64]:
    parts = pixels[:, 14::28, 14::28].transpose(0, 3, 1, 2) / 255.0
    scaled = (parts - mean) / std
    centred = (scaled - scaled.mean(axis=(2, 3), keepdims=True)).reshape(len(pixels), -1)
    features: NDArray[np.float64] = centred @ np.random.default_rng(0).standard_normal((3 * 64, FEATURES))
    unit: NDArray[np.float64] = features / np.linalg.norm(features, axis=1, keepdims=True)
    return unit


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16], ids=["float32", "float16"])
def test_a_tower_sees_our_pictures_and_its_cosines_stay(tmp_path: Path, kind: int) -> None:
    made = Tower(tower(tmp_path / "a.onnx", kind=kind), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    write_tower(made, tmp_path / "out.onnx", FEATURES)
    found, exact = run(tmp_path / "out.onnx", pictures(6)), expected(pictures(6), 0.5, 0.25)
    # Scaling sees over the edges of the parts.
    assert (found * exact).sum(axis=1).min() > 0.98
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)


def test_a_tower_of_our_side_is_given_our_pixels(tmp_path: Path) -> None:
    made = Tower(tower(tmp_path / "a.onnx", ["N", 3, 224, 224], features=324), mean=(0, 0, 0), std=(1, 1, 1))
    write_tower(made, tmp_path / "out.onnx", 324)
    graph = onnx.load(tmp_path / "out.onnx").graph
    assert "Resize" not in [node.op_type for node in graph.node]
    assert run(tmp_path / "out.onnx", pictures(3)).shape == (3, 324)


@pytest.mark.parametrize("features", [20, 256, 1024])
def test_features_of_any_number_become_vectors_of_ours(tmp_path: Path, features: int) -> None:
    made = Tower(tower(tmp_path / "a.onnx", features=features))
    write_tower(made, tmp_path / "as-they-are.onnx", features)
    write_tower(made, tmp_path / "out.onnx", 256)
    exact, found = (run(tmp_path / name, pictures(12)) for name in ("as-they-are.onnx", "out.onnx"))
    assert found.shape == (12, 256)
    assert np.abs(found @ found.T - exact @ exact.T).max() < (0.25 if features > 256 else 1e-4)


@pytest.mark.parametrize("shape", [[1, 3, 96, 96], ["N", 3, 96, 96], ["N", 3, "H", "W"], ["N", "C", 96, "W"]])
def test_lengths_that_are_open_are_as_they_are_asked_for(tmp_path: Path, shape: Shape) -> None:
    made = Tower(tower(tmp_path / "a.onnx", shape), side=96)
    write_tower(made, tmp_path / "out.onnx", 256)
    # One at a time, as the runner on a CPU asks.
    assert run(tmp_path / "out.onnx", pictures(1)).shape == (1, 256)


def test_of_several_outputs_the_one_that_is_named_counts(tmp_path: Path) -> None:
    path = tower(tmp_path / "a.onnx", tokens=True)
    with pytest.raises(ExportError, match=r"features \[1, 300\], parts \[1, 3, 8, 8\], other .*name the --output"):
        write_tower(Tower(path), tmp_path / "out.onnx", 256)
    write_tower(Tower(path, output="features"), tmp_path / "out.onnx", 256)
    assert run(tmp_path / "out.onnx", pictures(2)).shape == (2, 256)
    with pytest.raises(ExportError, match="no output 'pooled', but features, parts, other"):
        write_tower(Tower(path, output="pooled"), tmp_path / "out.onnx", 256)
    with pytest.raises(ExportError, match="name the --output with one vector"):
        write_tower(Tower(path, output="parts"), tmp_path / "out.onnx", 256)


REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "planes last": ({"shape": ["N", 96, 96, 3]}, "not pictures"),
    "a batch of 8": ({"shape": [8, 3, 96, 96]}, "not pictures"),
    "no side": ({"shape": ["N", 3, "H", "W"]}, "give the --side"),
    "no square": ({"shape": ["N", 3, 96, 192]}, "give the --side"),
    "huge": ({"shape": ["N", 3, 8192, 8192]}, "give the --side"),
    "old": ({"opset": 11}, "opset 11: export it with 13 or newer"),
    "zero": ({"scale": 0.0}, "makes no vector"),
    "not a number": ({"scale": float("nan")}, "makes no vector"),
    "one feature": ({"features": 1}, "name the --output"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_tower_is_refused(tmp_path: Path, name: str) -> None:
    changes, why = REFUSED[name]
    with pytest.raises(ExportError, match=why):
        export_tower(tmp_path / "models", Tower(tower(tmp_path / "a.onnx", **changes)))
    assert not (tmp_path / "models" / "visual_encoder").exists()


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08" * 1000], ids=["empty", "text", "binary"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(ExportError, match="cannot be used as an image tower"):
        write_tower(Tower(tmp_path / "a.onnx"), tmp_path / "out.onnx", 256)


def test_a_file_that_is_too_large_for_one_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.onnx").open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(ExportError, match="2 GiB or more"):
        write_tower(Tower(tmp_path / "a.onnx"), tmp_path / "out.onnx", 256)


def test_on_a_gpu_a_tower_takes_any_number_of_pictures(tmp_path: Path) -> None:
    export_tower(tmp_path / "models", Tower(tower(tmp_path / "a.onnx")), platform="gpu")
    with pytest.raises(ExportError, match="free batch for a GPU"):
        export_tower(tmp_path / "models", Tower(tower(tmp_path / "b.onnx", [1, 3, 96, 96])), platform="gpu")


def test_the_folder_says_what_triton_serves(tmp_path: Path) -> None:
    made = Tower(tower(tmp_path / "CLIP-B32.onnx"))
    folder = export_tower(tmp_path / "models", made, name="visual_encoder_2")
    config = (folder / "config.pbtxt").read_text()
    assert 'name: "visual_encoder_2"' in config
    assert f'string_value: "{tower_version(made).partition("@")[0]}"' in config
    assert "probabilities" not in config
    assert not (folder / "labels.txt").exists()
    assert sorted(each.name for each in (folder / "2").iterdir()) == ["model.onnx", "model.py"]


def test_what_decides_the_vectors_is_in_the_version(tmp_path: Path) -> None:
    first, other = tower(tmp_path / "a.onnx"), tower(tmp_path / "b.onnx", features=301)
    made = [Tower(first), Tower(other), Tower(first, mean=(0, 0, 0)), Tower(first, output="features")]
    versions = {tower_version(each) for each in made}
    assert len(versions) == len(made)
    assert tower_version(Tower(first)) == tower_version(Tower(first))


def test_weights_beside_the_file_are_part_of_it(tmp_path: Path) -> None:
    versions = set()
    for features in (300, 301):
        folder = tmp_path / str(features)
        folder.mkdir()
        model = onnx.load(tower(folder / "whole.onnx", features=features))
        onnx.save(model, folder / "a.onnx", save_as_external_data=True, location="a.data", size_threshold=0)
        versions.add(tower_version(Tower(folder / "a.onnx")))
        export_tower(folder / "models", Tower(folder / "a.onnx"))
        assert run(folder / "models" / "visual_encoder" / "2" / "model.onnx", pictures(1)).shape == (1, 256)
    (folder / "a.data").write_bytes(bytes((folder / "a.data").stat().st_size))
    versions.add(tower_version(Tower(folder / "a.onnx")))
    assert len(versions) == 3
    (folder / "a.data").unlink()
    with pytest.raises(ExportError, match=r"weights in .*a\.data, which is not there"):
        export_tower(folder / "models", Tower(folder / "a.onnx"))


@pytest.mark.parametrize(("name", "stem"), [('My "CLIP" (B_32)', "my-clip-b-32-"), ("模型", "tower-")])
def test_whatever_a_file_is_called_its_version_is_plain(tmp_path: Path, name: str, stem: str) -> None:
    made = Tower(tower(tmp_path / f"{name}.onnx"))
    assert tower_version(made).startswith(stem)
    folder = export_tower(tmp_path / "models", made)
    assert f'string_value: "{stem}' in (folder / "config.pbtxt").read_text()


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "a,b,c", "1,2,nan", "1,,3"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"three numbers|could not convert"):
        colours_of(text)
