"""The file from which a training goes on after it was stopped or killed."""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import torch

from inference.errors import ModelRefused
from inference.files import replace_file

T = TypeVar("T")


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Keep tensors and numbers by name; raises OSError."""
    file = BytesIO()
    torch.save(dict(state), file)
    replace_file(path, file.getbuffer())


def read_checkpoint(path: Path, resume: Callable[[dict[str, Any]], T]) -> T:
    """What `resume` makes of what was kept; raises ModelRefused for a damaged file, also where `resume` finds it."""
    try:
        # Tensors and numbers alone: no code of the file runs.
        return resume(torch.load(path, weights_only=True))
    except (RuntimeError, UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise ModelRefused(f"{path} is damaged: remove it, and training begins again") from error
