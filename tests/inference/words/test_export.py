"""The exported text tower is the published network, and the folder is what Triton expects."""

from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import pytest
import torch
from tokenizers import Tokenizer

from features.words.item_words import DIMENSIONS, VERSION
from inference.words.export import export_words, load_tower


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_words(tmp_path_factory.mktemp("models"))


def test_the_folder_says_which_tower_it_is(folder: Path) -> None:
    name, _, version = VERSION.partition("@")
    assert f'key: "encoder" value: {{ string_value: "{name}" }}' in (folder / "config.pbtxt").read_text()
    assert sorted(each.name for each in (folder / version).iterdir()) == ["model.onnx", "model.py", "tokenizer.json"]


@pytest.mark.parametrize("text", ["red", "a red checked shirt of soft cotton, with a small collar", "juice " * 120])
def test_in_8_bits_a_text_has_nearly_the_vector_of_the_network(folder: Path, text: str) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "1" / "tokenizer.json"))
    tokens = np.array([tokenizer.encode(text).ids], np.int64)
    session = onnxruntime.InferenceSession(str(folder / "1" / "model.onnx"), providers=["CPUExecutionProvider"])
    (found,) = session.run(["vector"], {"tokens": tokens})
    with torch.inference_mode():
        expected = load_tower()(torch.from_numpy(tokens)).numpy()
    assert found.shape == (1, DIMENSIONS)
    assert float(found[0] @ expected[0]) > 0.98
