import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from threading import Barrier

import pytest

from inference import files
from inference.encoders.model_folder import model_folder
from inference.files import replace_file, unfinished_folder
from tests.harness.full_disk import fill_disk


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"the one before")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_where_the_disk_is_full_the_file_before_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"the one before")
    fill_disk(monkeypatch)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"the one before"
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def at_once(*calls: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(calls)) as beside:
        for each in [beside.submit(call) for call in calls]:
            each.result()


def test_of_two_that_write_a_file_at_once_one_is_there_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, both = Path.write_bytes, Barrier(2)

    def write_then_wait(draft: Path, data: bytes) -> None:
        write(draft, data[: len(data) // 2])
        both.wait(10)
        write(draft, data)

    monkeypatch.setattr(Path, "write_bytes", write_then_wait)
    path = tmp_path / "model"
    at_once(lambda: replace_file(path, b"one"), lambda: replace_file(path, b"another"))
    assert path.read_bytes() in (b"one", b"another")
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_models_are_put_in_their_place_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, renamed = Path.rename, list[str]()

    def rename_alone(path: Path, target: Path) -> None:
        opened = os.open(tmp_path, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            flock(opened, LOCK_EX | LOCK_NB)
        os.close(opened)
        renamed.append(target.name)
        rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_alone)
    for _ in range(2):
        with model_folder(tmp_path, "encoder") as model:
            model.mkdir()
    assert renamed == ["encoder", "encoder.before", "encoder"]


#: Begins a folder, says so, and waits until it is killed.
_WRITER = """
import sys
from pathlib import Path
from inference.encoders.model_folder import model_folder
with model_folder(Path(sys.argv[1]), "encoder") as model:
    model.mkdir()
    print("begun", flush=True)
    sys.stdin.read()
"""


def begun(repository: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _WRITER, str(repository)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_what_a_killed_process_left_is_removed_at_the_next_start_and_what_is_being_written_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / ".encoder-original").mkdir()  # somebody's own
    with begun(tmp_path) as killed, begun(tmp_path) as other:
        killed.kill()
        killed.wait()
        assert len([*tmp_path.glob(".writing-*")]) == 2
        with unfinished_folder(tmp_path) as own:
            assert len([*tmp_path.glob(".writing-*")]) == 2
            assert own.is_dir()
        assert len([*tmp_path.glob(".writing-*")]) == 1
        other.communicate("")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".encoder-original", "encoder"]


def test_a_model_takes_the_place_of_the_one_before_and_a_failure_leaves_that(tmp_path: Path) -> None:
    def write(make: Callable[[Path], object]) -> None:
        with model_folder(tmp_path, "encoder") as model:
            model.mkdir()
            make(model / "model.onnx")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError("the disk is full")

    write(lambda path: path.write_text("one"))
    write(lambda path: path.write_text("two"))
    with pytest.raises(OSError, match="full"):
        write(fail)
    assert [path.name for path in tmp_path.iterdir()] == ["encoder"]
    assert (tmp_path / "encoder" / "model.onnx").read_text() == "two"


@pytest.mark.parametrize(("age_s", "stays"), [(5, True), (4000, False)])
def test_without_locks_what_is_old_was_left(
    age_s: float, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(files, "flock", no_locks)
    folder = tmp_path / ".writing-x"
    folder.mkdir()
    os.utime(folder, (time.time() - age_s, time.time() - age_s))
    with unfinished_folder(tmp_path):
        assert folder.exists() == stays
