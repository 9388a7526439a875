"""A model of Triton that may come later, go away, and come back as another one."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import tritonclient.grpc.aio as triton  # type: ignore[import-untyped]  # it has no types
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from inference.encoders.responses import output
from inference.encoders.tls import TritonTls
from inference.encoders.triton import CHANNEL, unavailable
from inference.errors import BadEmbedding, EncoderUnavailable

T = TypeVar("T")
#: What is wrong with the metadata and the configuration of a model, and what to do; None where nothing is.
Trouble: TypeAlias = Callable[[Any, Any], str | None]


class ServedModel:
    """Asks a model by gRPC. It is looked at before the first call and after each that failed, never at the start."""

    def __init__(self, url: str, model: str, trouble: Trouble, *, tls: TritonTls | None, timeout_s: float) -> None:
        self._client = triton.InferenceServerClient(url, channel_args=CHANNEL, **(tls.options() if tls else {}))
        self._url = url
        self._model = model
        self._trouble = trouble
        self._timeout_s = timeout_s
        self._is_checked = False

    async def ask(self, inputs: Sequence[triton.InferInput], name: str, read: Callable[[object], T]) -> T:
        """What `read` makes of the output of this name; raises EncoderUnavailable.

        An answer for which `read` raises BadEmbedding is of a wrong model: that may be mended, so it is unavailable.
        """
        try:
            if not self._is_checked:
                await self._check()
            result = await self._client.infer(self._model, inputs, client_timeout=self._timeout_s)
        except InferenceServerException as error:
            self._is_checked = False
            raise unavailable(error, self._url, self._model) from error
        try:
            return read(output(result, name))
        except BadEmbedding as error:
            self._is_checked = False
            raise EncoderUnavailable(f"{self._url} answers as {self._model!r} with something else: {error}") from error

    async def check(self) -> None:
        """Look at the model now; raises EncoderUnavailable where it is away, or another one than is needed."""
        try:
            await self._check()
        except InferenceServerException as error:
            raise unavailable(error, self._url, self._model) from error

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def _check(self) -> None:
        metadata = await self._client.get_model_metadata(self._model, client_timeout=self._timeout_s)
        config = await self._client.get_model_config(self._model, client_timeout=self._timeout_s)
        trouble = self._trouble(metadata, config.config)
        if trouble is not None:
            raise EncoderUnavailable(f"{self._url} serves as {self._model!r} {trouble}")
        self._is_checked = True
