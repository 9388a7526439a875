"""A picture → unit vector and tags, by the CNN that Triton serves."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import tritonclient.grpc.aio as triton  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from inference.encoders.batcher import DynamicBatcher
from inference.encoders.responses import embeddings, output, parse_tags, unit_vector
from inference.encoders.tls import TritonTls
from inference.errors import BadEmbedding, EncoderMismatch, EncoderUnavailable

SHAPE = (224, 224, 3)
TAGS = 5
# gRPC's own default waits up to two minutes before it looks whether Triton is back
_CHANNEL = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)]


@dataclass(frozen=True, slots=True)
class Encoding:
    """`embedding` float32 [D] of unit length; `tags` (ImageNet name, probability), the likeliest first."""

    embedding: NDArray[np.float32]
    tags: tuple[tuple[str, float], ...]
    version: str


class Encoder(Protocol):
    """Turns pictures into vectors; vectors of different versions are never compared."""

    @property
    def version(self) -> str:
        """What made the vectors, such as efficientnet-lite0@1."""

    async def encode(self, pixels: NDArray[np.uint8]) -> Encoding:
        """Encode one picture, uint8 [224, 224, 3].

        Raises BadEmbedding (never retry) or EncoderUnavailable (retry later).
        """

    async def ready(self) -> bool:
        """Tell whether a call would be answered now."""

    async def close(self) -> None:
        """Let go of the connection."""


def _ignore(outcome: str, seconds: float) -> None:
    """Observe nothing."""


class TritonEncoder:
    """The encoder behind Triton's gRPC. Made by `connect`.

    Pictures go alone while fewer than `inflight` calls are under way; those that then wait go together in the next one,
    up to `batch`. `observe(outcome, seconds)` hears of every picture: ok, invalid or unavailable, and its call's time.
    """

    def __init__(
        self,
        client: triton.InferenceServerClient,
        *,
        model: str,
        model_version: str,
        version: str,
        dimensions: int,
        timeout_s: float,
        inflight: int,
        batch: int,
        observe: Callable[[str, float], None] = _ignore,
    ) -> None:
        self._client = client
        self._model = model
        self._model_version = model_version
        self._version = version
        self._dimensions = dimensions
        self._timeout_s = timeout_s
        self._gathering = DynamicBatcher(self._encode, calls=inflight, limit=batch)
        self._observe = observe
        self._outputs = [
            triton.InferRequestedOutput("embedding"),
            # Triton picks the best classes and names them from labels.txt: no names, no 1,000 floats here
            triton.InferRequestedOutput("probabilities", class_count=TAGS),
        ]
        self._closed = False

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        tls: TritonTls | None = None,
        model: str = "visual_encoder",
        dimensions: int = 256,
        timeout_s: float = 2.0,
        inflight: int = 4,
        observe: Callable[[str, float], None] = _ignore,
    ) -> Self:
        """Read the served model's version and check it; raise EncoderUnavailable or EncoderMismatch."""
        client = triton.InferenceServerClient(url, channel_args=_CHANNEL, **(tls.options() if tls else {}))
        try:
            metadata = await client.get_model_metadata(model, client_timeout=timeout_s)
            config = await client.get_model_config(model, client_timeout=timeout_s)
            model_version = max(metadata.versions, key=int)
            name = config.config.parameters["encoder"].string_value or model
            _check_dimensions(metadata, model, dimensions)
        except InferenceServerException as error:
            await client.close()
            raise _unavailable(error, url, model) from error
        except BaseException:
            await client.close()
            raise
        return cls(
            client,
            model=model,
            model_version=model_version,
            version=f"{name}@{model_version}",
            dimensions=dimensions,
            timeout_s=timeout_s,
            inflight=inflight,
            batch=max(config.config.max_batch_size, 1),
            observe=observe,
        )

    @property
    def version(self) -> str:
        """What made the vectors, such as efficientnet-lite0@1."""
        return self._version

    @property
    def inflight(self) -> int:
        """How many calls are under way."""
        return self._gathering.running

    async def encode(self, pixels: NDArray[np.uint8]) -> Encoding:
        """Encode one picture; waits for a free call, then at most `timeout_s`."""
        if pixels.shape != SHAPE or pixels.dtype != np.uint8:
            raise BadEmbedding(f"the picture is {pixels.dtype} {pixels.shape}: decode it to uint8 {SHAPE}")
        return await self._gathering.answer(pixels)

    async def ready(self) -> bool:
        """Tell whether Triton is up and the model loaded; never raises."""
        if self._closed:
            return False
        try:
            return bool(
                await self._client.is_model_ready(self._model, self._model_version, client_timeout=self._timeout_s)
            )
        except InferenceServerException:
            return False

    async def close(self) -> None:
        """Close the connection; calls still open end as unavailable."""
        self._closed = True
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _encode(self, pictures: Sequence[NDArray[np.uint8]]) -> Sequence[Encoding | Exception]:
        """Encode what goes in one call; raises EncoderUnavailable, and BadEmbedding where no part can be used."""
        if self._closed:
            raise EncoderUnavailable("the encoder is closed: connect again")
        started = time.perf_counter()
        outcomes = ["unavailable"] * len(pictures)
        try:
            result = await self._infer(np.stack(pictures))
            outcomes = ["invalid"] * len(pictures)
            found = self._checked(result, len(pictures))
            outcomes = ["invalid" if isinstance(each, BadEmbedding) else "ok" for each in found]
            return found
        finally:
            seconds = time.perf_counter() - started
            for outcome in outcomes:
                self._observe(outcome, seconds)

    async def _infer(self, pixels: NDArray[np.uint8]) -> triton.InferResult:
        tensor = triton.InferInput("pixels", list(pixels.shape), "UINT8")
        tensor.set_data_from_numpy(pixels)
        try:
            return await self._client.infer(
                self._model,
                [tensor],
                model_version=self._model_version,
                outputs=self._outputs,
                client_timeout=self._timeout_s,
            )
        except InferenceServerException as error:
            raise _unavailable(error, "Triton", self._model) from error

    def _checked(self, result: triton.InferResult, count: int) -> list[Encoding | BadEmbedding]:
        answered = result.get_response().model_version
        if answered != self._model_version:
            raise BadEmbedding(f"version {answered!r} of {self._model!r} answered, not {self._model_version!r}")
        vectors = embeddings(output(result, "embedding"), count, self._dimensions)
        classes = output(result, "probabilities")
        if not isinstance(classes, np.ndarray) or classes.ndim != 2 or len(classes) != count:
            raise BadEmbedding("the answer holds no class probabilities")
        return [self._encoding(vector, best) for vector, best in zip(vectors, classes, strict=True)]

    def _encoding(self, vector: NDArray[np.float32], classes: NDArray[np.object_]) -> Encoding | BadEmbedding:
        try:
            return Encoding(unit_vector(vector), parse_tags(classes), self._version)
        except BadEmbedding as error:
            return error


def _check_dimensions(metadata: object, model: str, dimensions: int) -> None:
    shapes = {output.name: list(output.shape) for output in metadata.outputs}  # type: ignore[attr-defined]
    given = shapes.get("embedding", [])
    if given[-1:] != [dimensions]:
        raise EncoderMismatch(
            f"SIGHTLINE_DIMENSIONS is {dimensions} but model {model!r} gives {given or 'no embedding'}: "
            "export again or set SIGHTLINE_DIMENSIONS"
        )


def _unavailable(error: InferenceServerException, url: str, model: str) -> EncoderUnavailable:
    status = str(error.status() or "no status").removeprefix("StatusCode.")
    return EncoderUnavailable(f"{url} did not run model {model!r} ({status}: {error.message()})")
