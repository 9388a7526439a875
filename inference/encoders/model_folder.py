"""A folder that Triton serves a model from: it appears whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from inference.files import locked, unfinished_folder

#: What runs a version's model.onnx in Triton's Python backend, whatever the names of its tensors.
RUNNER: Final = Path(__file__).parent / "repository" / "model.py"


@contextmanager
def model_folder(repository: Path, name: str) -> Iterator[Path]:
    """A folder to write a model into, which is not there yet; at the end it takes the place of repository/name."""
    with unfinished_folder(repository) as scratch:
        model, target = scratch / name, repository / name
        yield model
        with locked(repository):  # another process may put the same model there
            if target.exists():
                target.rename(scratch / f"{name}.before")
            model.rename(target)
