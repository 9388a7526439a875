"""A quantised graph finds nearly the vectors of the network, under a name of its own."""

import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from inference.encoders import export
from inference.encoders.export import embeddings, encoder_version, export_model, load_encoder
from inference.encoders.int8 import FEWEST, check_pictures, quantise
from inference.errors import ExportError


def pictures(count: int) -> NDArray[np.uint8]:
    """Coloured squares on gradients, every one different."""
    random = np.random.default_rng(5)
    slopes = np.linspace(0, 1, 224)[:, None, None] * random.integers(40, 256, (count, 1, 1, 3))
    found = np.broadcast_to(slopes, (count, 224, 224, 3)).astype(np.uint8)
    for each in found:
        x, y, side = random.integers(20, 100, 3)
        each[y : y + side, x : x + side] = random.integers(0, 256, 3)
    return found


@pytest.fixture(scope="module")
def model(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 model of the graph that is exported already: exporting it again would give the same."""
    graph = repository / "visual_encoder" / "2" / "model.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "write_onnx", lambda _, path: shutil.copyfile(graph, path))
        return export_model(tmp_path_factory.mktemp("int8"), calibration=pictures(FEWEST))


def test_vectors_of_int8_are_nearly_those_of_the_network(model: Path) -> None:
    session = onnxruntime.InferenceSession(str(model / "2" / "model.onnx"), providers=["CPUExecutionProvider"])
    some = pictures(FEWEST + 4)[-4:]
    embedding, salience = session.run(["embedding", "salience"], {"pixels": some})

    assert (embedding.shape, embedding.dtype, salience.shape) == ((4, 256), np.float32, (4, 14, 14))
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, atol=1e-5)
    cosines = (embedding * embeddings(load_encoder(), some)).sum(axis=1)
    assert cosines.min() > 0.95
    assert not np.allclose(embedding, embeddings(load_encoder(), some), atol=1e-3)


def test_every_convolution_is_int8_and_reads_the_pixels_as_they_are(model: Path) -> None:
    graph = onnx.load(model / "2" / "model.onnx").graph
    makers = {output: node for node in graph.node for output in node.output}
    inputs = [makers[node.input[0]] for node in graph.node if node.op_type == "Conv"]

    assert [node.op_type for node in inputs] == ["DequantizeLinear"] * 49
    assert makers[inputs[0].input[0]].op_type == "Transpose"
    # ONNX Runtime warns of constants that nothing reads.
    assert {each.name for each in graph.initializer} <= {name for node in graph.node for name in node.input}
    assert (model / "2" / "model.onnx").stat().st_size < 13_000_000


def test_the_folder_names_an_encoder_whose_vectors_meet_no_others(model: Path) -> None:
    calibrated, others = pictures(FEWEST), pictures(FEWEST + 1)
    found = re.search(r'string_value: "(efficientnet-lite0-int8-[0-9a-f]{8})"', (model / "config.pbtxt").read_text())

    assert found is not None
    assert f"{found[1]}@2" == encoder_version(calibration=calibrated)
    assert len({encoder_version(calibration=each) for each in (None, calibrated, others)}) == 3


def test_a_quantised_graph_is_not_quantised_again(model: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.onnx"
    shutil.copyfile(model / "2" / "model.onnx", again)

    with pytest.raises(ExportError, match=r"again\.onnx is quantised already"):
        quantise(again, pictures(FEWEST), mean=127, std=128)
    assert again.read_bytes() == (model / "2" / "model.onnx").read_bytes()


def test_a_graph_without_convolutions_is_refused(tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("pixels", "embedding")]
    graph = helper.make_graph([helper.make_node("Relu", ["pixels"], ["embedding"])], "plain", values[:1], values[1:])
    onnx.save(helper.make_model(graph), tmp_path / "plain.onnx")

    with pytest.raises(ExportError, match="no convolutions"):
        quantise(tmp_path / "plain.onnx", pictures(FEWEST), mean=127, std=128)


@pytest.mark.parametrize("few", [pictures(1), pictures(FEWEST - 1), np.zeros((40, 224, 224, 3), np.uint8)])
def test_too_few_different_pictures_are_refused_before_anything_is_written(
    tmp_path: Path, few: NDArray[np.uint8]
) -> None:
    with pytest.raises(ExportError, match=f"too few to calibrate int8: {FEWEST} at least"):
        export_model(tmp_path / "models", calibration=few)
    with pytest.raises(ExportError):
        check_pictures(few)
    assert not (tmp_path / "models").exists()


def test_int8_is_for_lite0_on_a_processor(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="int8 is for efficientnet_lite0"):
        export_model(tmp_path / "models", architecture="resnet18", calibration=pictures(FEWEST))
    with pytest.raises(ExportError, match="int8 is for the CPU"):
        export_model(tmp_path / "models", platform="gpu", calibration=pictures(FEWEST))
    assert not (tmp_path / "models").exists()
