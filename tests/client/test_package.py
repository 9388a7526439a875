import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sightline_client

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "numba", "llvmlite", "confluent_kafka", "pydantic", "pydantic_settings"}
BOTH = "from sightline_client import EventPublisher, RecommendationSubscriber"


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after a statement."""
    script = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'client'}"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", [BOTH, "from streams.client import EventPublisher", "import streams.events"])
def test_an_app_loads_nothing_heavy(statement: str) -> None:
    assert not loaded_by(statement) & HEAVY


@pytest.mark.parametrize("module", ["sightline_client", "streams.client", "streams.events", "features.privacy"])
def test_kafka_python_is_loaded_only_when_something_of_it_is_asked_for(module: str) -> None:
    assert "kafka" not in loaded_by(f"import {module}")


def test_every_public_name_is_there() -> None:
    assert [name for name in sightline_client.__all__ if not hasattr(sightline_client, name)] == []


def test_another_name_is_an_attribute_error() -> None:
    assert not hasattr(sightline_client, "Nonsense")


def test_the_client_has_the_version_of_sightline_which_asks_for_exactly_that() -> None:
    main, client = (tomllib.loads((ROOT / of / "pyproject.toml").read_text())["project"] for of in (".", "client"))
    assert client["version"] == main["version"]
    assert f"sightline-client=={main['version']}" in main["dependencies"]
