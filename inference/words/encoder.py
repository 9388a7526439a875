"""The text tower that Triton serves."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
import tritonclient.grpc.aio as triton  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from features.words.item_words import DIMENSIONS, MODEL, VERSION
from inference.encoders.batcher import DynamicBatcher
from inference.encoders.responses import embeddings, output, unit_vector
from inference.encoders.tls import TritonTls
from inference.encoders.triton import CHANNEL, unavailable
from inference.errors import BadEmbedding, EncoderUnavailable

#: The unit vector float32 [DIMENSIONS] of a text; None where the tower can read nothing of it, as of another script.
#: Raises EncoderUnavailable, or BadEmbedding.
Embed: TypeAlias = Callable[[str], Awaitable[NDArray[np.float32] | None]]

#: The model has one instance: a text waits for the one before it, and for no batch.
_CALLS: Final = 2
_BATCH: Final = 4


class TritonWords:
    """Calls Triton by gRPC, and asks at the first text which tower it serves: nothing waits for it at the start."""

    def __init__(self, url: str, *, tls: TritonTls | None = None, timeout_s: float = 2.0) -> None:
        self._client = triton.InferenceServerClient(url, channel_args=CHANNEL, **(tls.options() if tls else {}))
        self._url = url
        self._timeout_s = timeout_s
        self._batcher = DynamicBatcher(self._embed, calls=_CALLS, limit=_BATCH)
        self._is_checked = False

    async def embed(self, text: str) -> NDArray[np.float32] | None:
        """See Embed; waits for a free call, then at most `timeout_s`."""
        return await self._batcher.answer(text)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def _embed(self, texts: Sequence[str]) -> Sequence[NDArray[np.float32] | Exception | None]:
        try:
            if not self._is_checked:
                await self._check()
            tensor = triton.InferInput("text", [len(texts), 1], "BYTES")
            tensor.set_data_from_numpy(np.array([[text.encode()] for text in texts], np.object_))
            result = await self._client.infer(MODEL, [tensor], client_timeout=self._timeout_s)
        except InferenceServerException as error:
            self._is_checked = False  # it may come back with another model
            raise unavailable(error, self._url, MODEL) from error
        try:
            rows = embeddings(output(result, "embedding"), len(texts), DIMENSIONS)
        except BadEmbedding as error:
            # That is no matter of these texts: they wait until the tower answers as it should.
            self._is_checked = False
            raise EncoderUnavailable(f"{self._url} answers as {MODEL!r} with something else: {error}") from error
        return [_read(row) for row in rows]

    async def _check(self) -> None:
        metadata = await self._client.get_model_metadata(MODEL, client_timeout=self._timeout_s)
        config = await self._client.get_model_config(MODEL, client_timeout=self._timeout_s)
        served = f"{config.config.parameters['encoder'].string_value}@{max(metadata.versions, key=int)}"
        if served != VERSION:
            raise EncoderUnavailable(
                f"{self._url} serves {served} as {MODEL!r}, and this release reads words by {VERSION}: "
                "run `sightline export-model` and start Triton with the repository it makes"
            )
        self._is_checked = True


def _read(row: NDArray[np.float32]) -> NDArray[np.float32] | BadEmbedding | None:
    try:
        return unit_vector(row) if row.any() else None
    except BadEmbedding as error:
        return error
