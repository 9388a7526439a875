from pathlib import Path

import pytest

from inference.files import replace_file


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"the one before")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_where_the_disk_is_full_the_file_before_stays(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"the one before")
    (tmp_path / "model.draft").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"the one before"
    assert [each.name for each in tmp_path.iterdir()] == ["model"]
