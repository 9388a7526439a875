"""Services of a benchmark's own, on temporary data."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.local import Endpoints, Stack
from deploy.service import Progress, ServiceName
from streams.settings import Settings


@contextmanager
def own_stack(
    settings: Settings,
    progress: Progress,
    *,
    services: Sequence[ServiceName] = ("kafka", "redis"),
    models: Path | None = None,
) -> Iterator[tuple[Settings, Endpoints]]:
    """Start services for one benchmark beside any others; they and their data are removed on leaving."""
    with TemporaryDirectory(prefix="sightline-bench-") as home:
        own = settings.on_this_machine().model_copy(update={"home": Path(home), "tools": settings.tools.resolve()})
        with Stack(own, models=models, progress=progress).borrowed(services) as endpoints:
            yield own, endpoints
