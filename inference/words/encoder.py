"""The text tower that Triton serves."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import tritonclient.grpc.aio as triton  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray

from features.words.item_words import DIMENSIONS, MODEL, VERSION
from inference.encoders.batcher import DynamicBatcher
from inference.encoders.responses import embeddings, unit_vector
from inference.encoders.served import ServedModel
from inference.encoders.tls import TritonTls
from inference.errors import BadEmbedding

#: The unit vector float32 [DIMENSIONS] of a text; None where the tower can read nothing of it, as of another script.
#: Raises EncoderUnavailable, or BadEmbedding.
Embed: TypeAlias = Callable[[str], Awaitable[NDArray[np.float32] | None]]

#: The model has one instance: a text waits for the one before it, and for no batch.
_CALLS: Final = 2
_BATCH: Final = 4


class TritonWords:
    """Calls Triton by gRPC, and asks at the first text which tower it serves: nothing waits for it at the start."""

    def __init__(self, url: str, *, tls: TritonTls | None = None, timeout_s: float = 2.0) -> None:
        self._served = ServedModel(url, MODEL, _trouble, tls=tls, timeout_s=timeout_s)
        self._batcher = DynamicBatcher(self._embed, calls=_CALLS, limit=_BATCH)

    async def embed(self, text: str) -> NDArray[np.float32] | None:
        """See Embed; waits for a free call, then at most `timeout_s`."""
        return await self._batcher.answer(text)

    async def close(self) -> None:
        """Close the connection."""
        await self._served.close()

    async def _embed(self, texts: Sequence[str]) -> Sequence[NDArray[np.float32] | Exception | None]:
        tensor = triton.InferInput("text", [len(texts), 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[text.encode()] for text in texts], np.object_))
        rows = await self._served.ask([tensor], "embedding", lambda answer: embeddings(answer, len(texts), DIMENSIONS))
        return [_read(row) for row in rows]


def _trouble(metadata: Any, config: Any) -> str | None:
    served = f"{config.parameters['encoder'].string_value}@{max(metadata.versions, key=int)}"
    if served == VERSION:
        return None
    return (
        f"{served}, and this release reads words by {VERSION}: "
        "run `sightline export-model` and start Triton with the repository it makes"
    )


def _read(row: NDArray[np.float32]) -> NDArray[np.float32] | BadEmbedding | None:
    try:
        return unit_vector(row) if row.any() else None
    except BadEmbedding as error:
        return error
