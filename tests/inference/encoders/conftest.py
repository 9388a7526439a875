from pathlib import Path

import pytest

from inference.encoders.export import export_model
from tests.harness.untraced import untraced_export


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model repository with the encoder, exported once; tests leave it as it is."""
    repository = tmp_path_factory.mktemp("models")
    with untraced_export():
        export_model(repository)
    return repository
