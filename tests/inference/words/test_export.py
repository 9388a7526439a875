"""The exported text tower is the published network, and the folder is what Triton expects."""

import runpy
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import pytest
import torch
from tokenizers import Tokenizer

from features.words.item_words import DIMENSIONS, VERSION
from inference.words import export
from inference.words.export import export_words, load_tower
from tests.harness.untraced import untraced_export

RUNNER = Path(export.__file__).parent / "repository" / "model.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with untraced_export():
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


def test_unsigned_weights_as_a_processor_without_vnni_needs_them_give_the_same_vector(folder: Path) -> None:
    graph = onnx.load(folder / "1" / "model.onnx")
    signed = [each for each in graph.graph.initializer if each.data_type == onnx.TensorProto.INT8]
    for each in signed:
        unsigned = (onnx.numpy_helper.to_array(each).astype(np.int16) + 128).astype(np.uint8)
        each.CopyFrom(onnx.numpy_helper.from_array(unsigned, each.name))
    tokens = {"tokens": np.arange(1000, 1020)[None]}
    ours, theirs = (
        onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"]).run(["vector"], tokens)[0]
        for source in (str(folder / "1" / "model.onnx"), graph.SerializeToString())
    )
    assert signed
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_the_runner_asks_for_them_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", ModuleType("triton_python_backend_utils"))
    runner = runpy.run_path(str(RUNNER))
    options = runner["_options"](3)
    assert (options.intra_op_num_threads, options.get_session_config_entry("session.x64quantprecision")) == (3, "1")
