"""A model of the gate that Triton serves, ours or another one with the same tensors.

`pixels` UINT8 [N, 224, 224, 3], RGB, in the cut of the encoder or as tiles → FP32 [N, 1] under the name of the fault,
0 to 1. In one call N is at most BATCH.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import tritonclient.grpc.aio as triton  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray

from features.vision.gate.table import ModelFault
from inference.encoders.batcher import DynamicBatcher
from inference.encoders.encoder import SHAPE
from inference.encoders.responses import embeddings
from inference.encoders.served import ServedModel
from inference.encoders.tls import TritonTls
from inference.errors import BadScore

#: The model of each fault, by its name in Triton.
MODELS: Final[dict[ModelFault, str]] = {"unsafe": "safety", "text": "text"}
#: Pictures of a call at most; a model must take as many.
BATCH: Final = 8
_CALLS: Final = 2

#: The scores float32 [n] of pictures uint8 [n, 224, 224, 3], 0 to 1. Raises EncoderUnavailable, or BadScore.
Score: TypeAlias = Callable[[NDArray[np.uint8]], Awaitable[NDArray[np.float32]]]


class TritonScores:
    """Calls Triton by gRPC, and looks at the model before the first picture: nothing waits for it at the start.

    `observe(outcome, seconds)` is called for every picture with ok, invalid or unavailable, and the time of its call.
    """

    def __init__(
        self,
        url: str,
        fault: ModelFault,
        *,
        tls: TritonTls | None = None,
        timeout_s: float = 2.0,
        observe: Callable[[str, float], None] = lambda _outcome, _seconds: None,
    ) -> None:
        self._fault = fault
        self._served = ServedModel(url, MODELS[fault], self._trouble, tls=tls, timeout_s=timeout_s)
        self._batcher = DynamicBatcher(self._score, calls=_CALLS, limit=BATCH)
        self._observe = observe

    async def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See Score; waits for a free call, then at most `timeout_s`."""
        return np.array(await self._batcher.answer_all(list(pictures)), np.float32)

    async def check(self) -> None:
        """Look at the model now; raises EncoderUnavailable where it is away, or has other tensors."""
        await self._served.check()

    async def close(self) -> None:
        """Close the connection."""
        await self._served.close()

    async def _score(self, pictures: Sequence[NDArray[np.uint8]]) -> Sequence[float | Exception]:
        started = time.perf_counter()
        outcomes = ["unavailable"] * len(pictures)
        try:
            tensor = triton.InferInput("pixels", [len(pictures), *SHAPE], "UINT8")
            tensor.set_data_from_numpy(np.stack(pictures))
            rows = await self._served.ask([tensor], self._fault, lambda answer: embeddings(answer, len(pictures), 1))
            found = [self._read(float(row[0])) for row in rows]
            outcomes = ["invalid" if isinstance(each, BadScore) else "ok" for each in found]
            return found
        finally:
            seconds = time.perf_counter() - started
            for outcome in outcomes:
                self._observe(outcome, seconds)

    def _read(self, score: float) -> float | BadScore:
        if 0 <= score <= 1:
            return score
        return BadScore(f"model {MODELS[self._fault]!r} gave {score} as {self._fault}, which is not between 0 and 1")

    def _trouble(self, metadata: Any, config: Any) -> str | None:
        served = [
            [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in tensors]
            for tensors in (metadata.inputs, metadata.outputs)
        ]
        wanted = [("pixels", "UINT8", [-1, *SHAPE])], (self._fault, "FP32", [-1, 1])
        if served[0] == wanted[0] and wanted[1] in served[1] and config.max_batch_size >= BATCH:
            return None
        return (
            f"{served[0]} → {served[1]} in batches of {config.max_batch_size}, and the gate asks for {wanted[0]} → "
            f"{[wanted[1]]} in batches of {BATCH} or more: run `sightline export-model --{MODELS[self._fault]}`, "
            "or see docs/gate.md"
        )
