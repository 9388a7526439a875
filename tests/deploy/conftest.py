import re
import shutil
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import streams.metrics  # noqa: F401 (declares every metric in the registry that the endpoint shows)
from streams.worker.probes import Probes

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="session")
def promtool() -> str:
    tools = DEPLOY.parent / ".sightline" / "tools" / "bin"
    found = shutil.which("promtool") or shutil.which("promtool", path=tools)
    if found is None:
        pytest.skip("promtool is not on PATH: `bash deploy/bootstrap.sh` brings it")
    return found


@pytest.fixture(scope="session")
def families() -> dict[str, str]:
    """Every metric family that a live process of Sightline shows, and its type."""
    with closing(Probes("127.0.0.1", 0, live=list, ready=list)) as endpoint:
        endpoint.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=10) as answer:
            page = answer.read().decode()
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))


@pytest.fixture(scope="session")
def family_of(families: dict[str, str]) -> Callable[[str], str | None]:
    """The live family that a sample's name belongs to, or None; only histograms have _bucket, _sum and _count."""

    def find(sample: str) -> str | None:
        if sample in families:
            return None if families[sample] == "histogram" else sample
        family, _, suffix = sample.rpartition("_")
        is_part = suffix in {"bucket", "sum", "count"} and families.get(family) == "histogram"
        return family if is_part else None

    return find
