"""Whether a Triton server can do our work."""

from tritonclient.grpc import aio  # type: ignore[import-untyped]  # ships no types
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from inference.encoders.tls import TritonTls


async def model_ready(address: str, model: str, *, tls: TritonTls | None = None, timeout_s: float = 3.0) -> bool:
    """Whether the server at host:port answers and has this model ready."""
    async with aio.InferenceServerClient(address, **(tls.options() if tls else {})) as client:
        try:
            return bool(await client.is_model_ready(model, client_timeout=timeout_s))
        except InferenceServerException:
            return False
