"""The encoder of pictures that Triton serves."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import numpy as np
import tritonclient.grpc.aio as triton  # type: ignore[import-untyped]  # it has no types
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from inference.encoders.batcher import DynamicBatcher
from inference.encoders.encoder import SHAPE, Encoding
from inference.encoders.responses import TAGS, embeddings, output, parse_tags, salience, unit_vector
from inference.encoders.tls import TritonTls
from inference.errors import BadEmbedding, EncoderMismatch, EncoderUnavailable

#: By default gRPC waits up to two minutes before it tries to reach Triton again.
CHANNEL = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)]


def _ignore(outcome: str, seconds: float) -> None:
    """Observe nothing."""


class TritonEncoder:
    """An Encoder that calls Triton by gRPC; `connect` makes it.

    A picture is sent at once while fewer than `inflight` calls are under way; pictures that have to wait go together in
    the next call, up to `batch`. `observe(outcome, seconds)` is called for every picture with ok, invalid or
    unavailable, and the duration of its call. A model that is no classifier, such as CLIP's image tower, gives no tags.
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
        has_classes: bool = True,
        observe: Callable[[str, float], None] = _ignore,
    ) -> None:
        self._client = client
        self._model = model
        self._model_version = model_version
        self._version = version
        self._dimensions = dimensions
        self._timeout_s = timeout_s
        self._batcher = DynamicBatcher(self._encode, calls=inflight, limit=batch)
        self._observe = observe
        self._has_classes = has_classes
        self._outputs = [triton.InferRequestedOutput("embedding")]
        if has_classes:
            # Triton picks the best classes and takes their names from labels.txt: 5 values come instead of 1,000.
            self._outputs.append(triton.InferRequestedOutput("probabilities", class_count=TAGS))
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
        client = triton.InferenceServerClient(url, channel_args=CHANNEL, **(tls.options() if tls else {}))
        try:
            metadata = await client.get_model_metadata(model, client_timeout=timeout_s)
            config = await client.get_model_config(model, client_timeout=timeout_s)
            model_version = max(metadata.versions, key=int)
            name = config.config.parameters["encoder"].string_value or model
            _check_dimensions(metadata, model, dimensions)
        except InferenceServerException as error:
            await client.close()
            raise unavailable(error, url, model, f"sightline export-model --name {model}") from error
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
            has_classes=any(output.name == "probabilities" for output in metadata.outputs),
            observe=observe,
        )

    @property
    def version(self) -> str:
        """The name and version of the model, such as efficientnet-lite0@1."""
        return self._version

    @property
    def inflight(self) -> int:
        """How many calls are under way."""
        return self._batcher.running

    async def encode(self, pixels: NDArray[np.uint8]) -> Encoding:
        """Encode one picture; waits for a free call, then at most `timeout_s`."""
        return (await self.encode_all(pixels[None]))[0]

    async def encode_all(self, pixels: NDArray[np.uint8]) -> list[Encoding]:
        """Encode pictures [n, …] that wait together, and so are sent together, up to `batch`."""
        _check_pixels(pixels)
        return await self._batcher.answer_all(list(pixels))

    async def salience(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Ask for the map of one picture, in a call of its own: nobody else pays for it."""
        _check_pixels(pixels[None])
        if self._closed:
            raise EncoderUnavailable("the encoder is closed: connect again")
        try:
            result = await self._infer(pixels[None], [triton.InferRequestedOutput("salience")])
        except EncoderUnavailable as error:
            if _is_refused(error.__cause__):  # the model has no such output: a release before exported it
                return None
            raise
        return salience(output(result, "salience"))

    async def ready(self) -> bool:
        """Whether Triton is up and the model loaded; never raises."""
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
        """Encode the pictures of one call; raises EncoderUnavailable, or BadEmbedding where no part can be used."""
        if self._closed:
            raise EncoderUnavailable("the encoder is closed: connect again")
        started = time.perf_counter()
        outcomes = ["unavailable"] * len(pictures)
        try:
            result = await self._infer(np.stack(pictures), self._outputs)
            outcomes = ["invalid"] * len(pictures)
            found = self._checked(result, len(pictures))
            outcomes = ["invalid" if isinstance(each, BadEmbedding) else "ok" for each in found]
            return found
        finally:
            seconds = time.perf_counter() - started
            for outcome in outcomes:
                self._observe(outcome, seconds)

    async def _infer(
        self, pixels: NDArray[np.uint8], outputs: Sequence[triton.InferRequestedOutput]
    ) -> triton.InferResult:
        tensor = triton.InferInput("pixels", list(pixels.shape), "UINT8")
        tensor.set_data_from_numpy(pixels)
        try:
            return await self._client.infer(
                self._model,
                [tensor],
                model_version=self._model_version,
                outputs=outputs,
                client_timeout=self._timeout_s,
            )
        except InferenceServerException as error:
            raise unavailable(error, "Triton", self._model) from error

    def _checked(self, result: triton.InferResult, count: int) -> list[Encoding | BadEmbedding]:
        answered = result.get_response().model_version
        if answered != self._model_version:
            raise BadEmbedding(f"version {answered!r} of {self._model!r} answered, not {self._model_version!r}")
        vectors = embeddings(output(result, "embedding"), count, self._dimensions)
        if not self._has_classes:
            return [self._encoding(vector, np.zeros(0, np.object_)) for vector in vectors]
        classes = output(result, "probabilities")
        if not isinstance(classes, np.ndarray) or classes.ndim != 2 or len(classes) != count:
            raise BadEmbedding("the answer holds no class probabilities")
        return [self._encoding(vector, best) for vector, best in zip(vectors, classes, strict=True)]

    def _encoding(self, vector: NDArray[np.float32], classes: NDArray[np.object_]) -> Encoding | BadEmbedding:
        try:
            return Encoding(unit_vector(vector), parse_tags(classes), self._version)
        except BadEmbedding as error:
            return error


async def model_ready(address: str, model: str, *, tls: TritonTls | None = None, timeout_s: float = 3.0) -> bool:
    """Whether the server at host:port answers and has this model ready."""
    async with triton.InferenceServerClient(address, **(tls.options() if tls else {})) as client:
        try:
            return bool(await client.is_model_ready(model, client_timeout=timeout_s))
        except InferenceServerException:
            return False


def _check_pixels(pixels: NDArray[np.uint8]) -> None:
    if pixels.shape[1:] != SHAPE or pixels.dtype != np.uint8:
        raise BadEmbedding(f"the picture is {pixels.dtype} {pixels.shape[1:]}: decode it to uint8 {SHAPE}")


def _check_dimensions(metadata: object, model: str, dimensions: int) -> None:
    shapes = {output.name: list(output.shape) for output in metadata.outputs}  # type: ignore[attr-defined]
    given = shapes.get("embedding", [])
    if given[-1:] != [dimensions]:
        raise EncoderMismatch(
            f"SIGHTLINE_DIMENSIONS is {dimensions} but model {model!r} gives {given or 'no embedding'}: "
            "export again or set SIGHTLINE_DIMENSIONS"
        )


def _is_refused(cause: BaseException | None) -> bool:
    """Whether Triton says that what was asked of the model cannot be."""
    return isinstance(cause, InferenceServerException) and str(cause.status()).endswith("INVALID_ARGUMENT")


def unavailable(error: InferenceServerException, url: str, model: str, export: str | None = None) -> EncoderUnavailable:
    """What a call that Triton did not answer means; `export`: the command that makes the model, if Triton lacks it."""
    status, message = str(error.status() or "no status").removeprefix("StatusCode."), str(error.message())
    lacks = export is not None and "unknown model" in message
    remedy = f": run `{export}`, and start Triton with the repository it makes" if lacks else ""
    return EncoderUnavailable(f"{url} did not run model {model!r} ({status}: {message}){remedy}")
