from pathlib import Path

import pytest
import typer

from cli.bench.served_command import _pixels
from tests.benchmarks.retrieval.test_measure import write_album


def album(folder: Path, count: int) -> Path:
    write_album(folder, [{"path": f"{number}.png", "label": "shoe"} for number in range(count)])
    return folder


def test_pictures_are_as_many_as_are_asked_for_at_most(tmp_path: Path) -> None:
    assert _pixels(album(tmp_path, 12), 11).shape == (11, 224, 224, 3)
    assert len(_pixels(None, 10)) == 10


def test_a_folder_with_too_few_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="has 9 pictures that can be read, and 10 are needed"):
        _pixels(album(tmp_path, 9), 500)
    plain = tmp_path / "plain"
    plain.mkdir()
    with pytest.raises(typer.BadParameter, match="has 0 pictures that can be read, and"):
        _pixels(plain, 500)
