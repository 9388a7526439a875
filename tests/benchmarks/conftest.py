"""Coverage is not measured of benches, and what they call has tests of its own: tracing would double their time."""

import pytest


@pytest.fixture(autouse=True)
def untraced(no_cover: None) -> None:
    """Run each test without the tracer of pytest-cov."""
