"""Runs tokenizer.json and model.onnx inside Triton's Python backend: numpy < 2, ONNX Runtime and tokenizers only."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import triton_python_backend_utils as triton  # type: ignore[import-not-found]  # lives inside Triton
from numpy.typing import NDArray
from tokenizers import Tokenizer

#: A piece that the tower knows something of; not [UNK], not another script, which it knows letter by letter.
_READABLE = re.compile("[a-z0-9]")


class TritonPythonModel:
    """One tokenizer and one ONNX session, which texts go through one after the other."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load what lies beside this file, to run on as many threads as the configuration says."""
        if int(np.__version__.split(".")[0]) >= 2:  # the stub then answers with empty tensors, and no error
            raise RuntimeError(
                f"Triton's Python backend needs numpy 1 but found {np.__version__} in {np.__file__}: "
                "put the environment made for Triton first on PATH (it ignores PYTHONPATH)"
            )
        config = json.loads(args["model_config"])
        self.dimensions = int(config["output"][0]["dims"][0])
        options = _options(int(config["parameters"]["threads"]["string_value"]))
        folder = Path(__file__).parent
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request with its own rows."""
        return [self._answer(triton.get_input_tensor_by_name(request, "text").as_numpy()) for request in requests]

    def _answer(self, texts: NDArray[np.object_]) -> Any:
        rows = np.stack([self._embed(text.decode(errors="replace")) for text in texts[:, 0]])
        return triton.InferenceResponse(output_tensors=[triton.Tensor("embedding", rows)])

    def _embed(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a text; zeros where nothing of it can be read."""
        found = self.tokenizer.encode(text)
        if not any(map(_READABLE.search, found.tokens)):
            return np.zeros(self.dimensions, np.float32)
        vector: NDArray[np.float32] = self.session.run(["vector"], {"tokens": np.array([found.ids], np.int64)})[0][0]
        return vector


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Where an x86 processor has no VNNI, products with signed weights are added in 16 bits, which overflow. With this
    # they are multiplied as unsigned ones there: slower, and the same sums. Other processors do as without it.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options
