"""A picture → unit vector and tags, by the CNN that Triton serves."""

import asyncio
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import tritonclient.grpc.aio as triton  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from inference.errors import BadEmbedding, EncoderMismatch, EncoderUnavailable
from inference.tls import TritonTls

SHAPE = (224, 224, 3)
TAGS = 5
TAG_THRESHOLD = 0.05
_UNIT_TOLERANCE = 1e-3
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
    """The encoder behind Triton's gRPC. Made by `connect`; the server forms the batches.

    `observe(outcome, seconds)` hears of every call: ok, invalid or unavailable.
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
        observe: Callable[[str, float], None] = _ignore,
    ) -> None:
        self._client = client
        self._model = model
        self._model_version = model_version
        self._version = version
        self._dimensions = dimensions
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(inflight)
        self._observe = observe
        self._outputs = [
            triton.InferRequestedOutput("embedding"),
            # Triton picks the best classes and names them from labels.txt: no names, no 1,000 floats here
            triton.InferRequestedOutput("probabilities", class_count=TAGS),
        ]
        self.inflight = 0
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
        inflight: int = 16,
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
            observe=observe,
        )

    @property
    def version(self) -> str:
        """What made the vectors, such as efficientnet-lite0@1."""
        return self._version

    async def encode(self, pixels: NDArray[np.uint8]) -> Encoding:
        """Encode one picture; waits for a free slot, then at most `timeout_s`."""
        if pixels.shape != SHAPE or pixels.dtype != np.uint8:
            raise BadEmbedding(f"the picture is {pixels.dtype} {pixels.shape}: decode it to uint8 {SHAPE}")
        async with self._slots:
            if self._closed:
                raise EncoderUnavailable("the encoder is closed: connect again")
            self.inflight += 1
            started = time.perf_counter()
            outcome = "unavailable"
            try:
                result = await self._infer(pixels)
                outcome = "invalid"
                encoding = self._checked(result)
                outcome = "ok"
                return encoding
            finally:
                self.inflight -= 1
                self._observe(outcome, time.perf_counter() - started)

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

    async def _infer(self, pixels: NDArray[np.uint8]) -> triton.InferResult:
        tensor = triton.InferInput("pixels", [1, *SHAPE], "UINT8")
        tensor.set_data_from_numpy(pixels[None])
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

    def _checked(self, result: triton.InferResult) -> Encoding:
        answered = result.get_response().model_version
        if answered != self._model_version:
            raise BadEmbedding(f"version {answered!r} of {self._model!r} answered, not {self._model_version!r}")
        embedding = unit_vector(_output(result, "embedding"), self._dimensions)
        return Encoding(embedding, parse_tags(_output(result, "probabilities")), self._version)


def _output(result: triton.InferResult, name: str) -> object:
    try:
        return result.as_numpy(name)
    except (ValueError, TypeError, struct.error) as error:  # fewer bytes than the shape promises
        raise BadEmbedding(f"the output {name!r} cannot be read: {error}") from error


def unit_vector(answer: object, dimensions: int) -> NDArray[np.float32]:
    """Return the answer as float32 [dimensions] of unit length, or raise BadEmbedding."""
    if not isinstance(answer, np.ndarray):
        raise BadEmbedding("the answer holds no embedding")
    if answer.shape != (1, dimensions) or answer.dtype != np.float32:
        raise BadEmbedding(f"the embedding is {answer.dtype} {answer.shape}, not float32 (1, {dimensions})")
    vector: NDArray[np.float32] = answer[0].copy()
    if not np.isfinite(vector).all():
        raise BadEmbedding("the embedding holds NaN or Inf")
    length = float(np.linalg.norm(vector))
    if abs(length - 1) > _UNIT_TOLERANCE:
        raise BadEmbedding(f"the embedding has length {length:.4g}, not 1")
    return vector


def parse_tags(classes: object) -> tuple[tuple[str, float], ...]:
    """Return the likely classes of Triton's `probability:index:name` answer; raise BadEmbedding otherwise.

    >>> parse_tags(np.array([[b"0.71:610:jersey", b"0.2:834:suit", b"0.01:9:ostrich"]], dtype=object))
    (('jersey', 0.71), ('suit', 0.2))
    """
    if not isinstance(classes, np.ndarray) or classes.ndim != 2 or len(classes) != 1:
        raise BadEmbedding("the answer holds no class probabilities")
    tags: dict[str, float] = {}
    for entry in classes[0]:
        probability, name = _parse_class(entry)
        if probability >= TAG_THRESHOLD:
            tags.setdefault(name, probability)  # ImageNet has two cranes: the likelier one counts
    return tuple(tags.items())


def _parse_class(entry: object) -> tuple[float, str]:
    try:
        probability, _, name = bytes(entry).decode().split(":", 2)  # type: ignore[call-overload]  # checked
        value = float(probability)
    except (TypeError, ValueError) as error:
        raise BadEmbedding(f"the class {entry!r} is not probability:index:name: export the model again") from error
    if not 0 <= value <= 1.001:
        raise BadEmbedding(f"the class {entry!r} has a probability outside 0..1")
    return value, name


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
