"""Where a trained model goes."""

import typer

from streams.addresses import file_place
from streams.learning.model_file import ModelFile


def file_for(to: str | None, set_place: str | None, variable: str) -> ModelFile:
    """The file of `--to`, else the one where workers read it, as the variable says; looked at before the training.

    Raises BadParameter.
    """
    if to is None and set_place is None:
        raise typer.BadParameter(f"say where the model goes: --to FILE, or {variable}, where workers read it")
    try:
        return ModelFile(set_place or "" if to is None else file_place(to))
    except ValueError as error:
        raise typer.BadParameter(f"--to {to}: {error}") from error
