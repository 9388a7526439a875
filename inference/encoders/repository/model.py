"""Runs model.onnx inside Triton's Python backend: the CPU configuration, numpy < 2 and ONNX Runtime only."""

import json
import platform
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no types
import triton_python_backend_utils as triton  # type: ignore[import-not-found]  # lives inside Triton
from numpy.typing import NDArray


class TritonPythonModel:
    """One ONNX session, which pictures go through one after the other."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the network that lies beside this file, on as many threads as the configuration says."""
        if int(np.__version__.split(".")[0]) >= 2:  # the stub then answers with empty tensors, and no error
            raise RuntimeError(
                f"Triton's Python backend needs numpy 1 but found {np.__version__} in {np.__file__}: "
                "put the environment made for Triton first on PATH (it ignores PYTHONPATH)"
            )
        config = json.loads(args["model_config"])
        _check_processor(config["parameters"], platform.machine(), Path("/proc/cpuinfo"))
        (self.input,) = (each["name"] for each in config["input"])
        self.outputs = [each["name"] for each in config["output"]]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(config["parameters"]["threads"]["string_value"])
        options.inter_op_num_threads = 1
        folder = Path(__file__).parent
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.finish = _finish(folder / "after.py")

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request with its own rows of the outputs that it asks for."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        pixels: NDArray[np.uint8] = triton.get_input_tensor_by_name(request, self.input).as_numpy()
        names = [name for name in self.outputs if name in request.requested_output_names()]
        # One by one: the layers' values of one picture fit into a core's cache, and a batch of 8 takes a fifth longer.
        rows = [self.session.run(names, {self.input: pixels[row : row + 1]}) for row in range(len(pixels))]
        outputs = (self.finish(np.concatenate(each)) for each in zip(*rows, strict=True))
        tensors = [triton.Tensor(name, each) for name, each in zip(names, outputs, strict=True)]
        return triton.InferenceResponse(output_tensors=tensors)


def _check_processor(parameters: dict[str, dict[str, str]], machine: str, cpuinfo: Path) -> None:
    """Refuse int8 where ONNX Runtime adds its products in 16 bits, which overflow: its vectors would be others."""
    if "-int8-" not in parameters.get("encoder", {}).get("string_value", "") or machine != "x86_64":
        return
    if "vnni" not in cpuinfo.read_text():
        raise RuntimeError(
            "this model is of int8 and this processor has no VNNI, without which its vectors are others: "
            "serve the model that `sightline export-model` writes without --int8"
        )


def _finish(after: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """What makes an answer of an output: the function `answer` of this file, if the model has one."""
    spec = spec_from_file_location("after", after) if after.exists() else None
    if spec is None or spec.loader is None:
        return lambda output: output
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    answer: Callable[[NDArray[np.float32]], NDArray[np.float32]] = module.answer
    return answer
