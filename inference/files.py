"""Files and folders that are there whole or not at all."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

_UNFINISHED: Final = ".writing-"
#: Where a file system has no locks, a folder that nobody wrote into for so long is left over.
_GIVEN_UP_S: Final = 3600.0


def replace_file(path: Path, data: bytes | memoryview) -> None:
    """Write a file whole or not at all, whatever ends the process meanwhile, or writes it, too; raises OSError."""
    with unfinished_folder(path.parent) as folder:
        draft = folder / path.name
        draft.write_bytes(data)
        draft.replace(path)


@contextmanager
def unfinished_folder(parent: Path) -> Iterator[Path]:
    """A new hidden folder in `parent`, to write into and then move to its place; raises OSError.

    What is still there at the end is removed, and before that what processes left that were killed meanwhile: each
    holds a lock on its own folder, which ends with it.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as lock:
        with locked(parent):  # nobody takes a new folder, which is not locked yet, for one that was left
            for folder in filter(_is_left, parent.glob(f"{_UNFINISHED}*")):
                shutil.rmtree(folder, ignore_errors=True)
            own = Path(mkdtemp(prefix=_UNFINISHED, dir=parent))
            lock.enter_context(locked(own))
        try:
            yield own
        finally:
            shutil.rmtree(own, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """While no other process or thread is here with the same folder; raises OSError."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            flock(opened, LOCK_EX)
        yield
    finally:
        os.close(opened)


def _is_left(folder: Path) -> bool:
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        flock(opened, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return time.time() - os.fstat(opened).st_mtime > _GIVEN_UP_S
    finally:
        os.close(opened)
    return True
