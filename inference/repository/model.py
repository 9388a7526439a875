"""Runs model.onnx inside Triton's Python backend: the CPU configuration, numpy < 2 and ONNX Runtime only."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import triton_python_backend_utils as triton  # type: ignore[import-not-found]  # lives inside Triton

OUTPUTS = ("embedding", "probabilities")


class TritonPythonModel:
    """One ONNX session; a batch goes through it in one run."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the network that lies beside this file, on as many threads as the configuration says."""
        if int(np.__version__.split(".")[0]) >= 2:  # the stub then answers with empty tensors, and no error
            raise RuntimeError(
                f"Triton's Python backend needs numpy 1 but found {np.__version__} in {np.__file__}: "
                "put the environment made for Triton first on PATH (it ignores PYTHONPATH)"
            )
        parameters = json.loads(args["model_config"])["parameters"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameters["threads"]["string_value"])
        options.inter_op_num_threads = 1
        path = Path(__file__).with_name("model.onnx")
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request with its own rows of the batch."""
        inputs = [triton.get_input_tensor_by_name(request, "pixels").as_numpy() for request in requests]
        batch = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
        results = self.session.run(OUTPUTS, {"pixels": batch})
        responses = []
        start = 0
        for pixels in inputs:
            rows = slice(start, start := start + len(pixels))
            tensors = [triton.Tensor(name, out[rows]) for name, out in zip(OUTPUTS, results, strict=True)]
            responses.append(triton.InferenceResponse(output_tensors=tensors))
        return responses
