"""A folder that Triton serves a model from: it appears whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: What runs a version's model.onnx in Triton's Python backend, whatever the names of its tensors.
RUNNER: Final = Path(__file__).parent / "repository" / "model.py"


@contextmanager
def model_folder(repository: Path, name: str) -> Iterator[Path]:
    """A folder to write a model into, which is not there yet; at the end it takes the place of repository/name."""
    repository.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=repository, prefix=f".{name}-") as scratch:
        model = Path(scratch) / name
        yield model
        target = repository / name
        shutil.rmtree(target, ignore_errors=True)
        model.rename(target)
