import os
from pathlib import Path

import pytest
import typer

from cli.written import check_written


def test_a_file_that_can_be_written_and_none_are_fine(tmp_path: Path) -> None:
    (tmp_path / "old.csv").touch()
    for path in (tmp_path / "new.csv", tmp_path / "old.csv", Path(os.devnull), None):
        check_written(path, "--csv")


@pytest.mark.parametrize(
    ("name", "why"), [("gone/x.csv", "in no folder"), ("file/x.csv", "in no folder"), ("folder", "is a folder")]
)
def test_what_no_file_can_be_is_refused(name: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(typer.BadParameter, match=why):
        check_written(tmp_path / name, "--csv")


@pytest.mark.parametrize("name", ["old.csv", "new.csv"])
def test_a_file_or_folder_without_permission_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old.csv").touch()
    monkeypatch.setattr(os, "access", lambda path, _: path not in (tmp_path, tmp_path / "old.csv"))
    with pytest.raises(typer.BadParameter, match="may not be written"):
        check_written(tmp_path / name, "--csv")
