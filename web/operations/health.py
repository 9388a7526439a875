"""GET /healthz, /readyz and /metrics: for load balancers that reach this port alone."""

from litestar import MediaType, Response, get
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from web.documented import answer
from web.parts import FromParts


@get("/healthz", media_type=MediaType.TEXT, summary="Whether the process lives")
async def healthz() -> str:
    """Answer at all: the event loop runs."""
    return "ok\n"


@get(
    "/readyz",
    media_type=MediaType.TEXT,
    summary="Whether the process can serve",
    responses={503: answer(str, "What is missing, a line each", MediaType.TEXT)},
)
async def readyz(parts: FromParts) -> Response[str]:
    """Answer 503 with the reasons, a line each, while something is missing."""
    missing = parts.not_ready()
    return Response("\n".join(missing or ["ok"]) + "\n", status_code=503 if missing else 200)


@get("/metrics", media_type=CONTENT_TYPE_LATEST, summary="The metrics of the process, for Prometheus")
async def metrics() -> Response[bytes]:
    """Give what the metrics port gives."""
    return Response(generate_latest())
