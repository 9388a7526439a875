"""Settings for measurements, which start services of their own."""

import pytest

from streams.settings import Settings
from tests.harness.paths import ROOT


@pytest.fixture
def settings() -> Settings:
    return Settings(tools=ROOT / ".sightline" / "tools", kafka=None, redis=None, triton=None)
