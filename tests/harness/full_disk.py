"""A disk that is full."""

import errno
from pathlib import Path

import pytest


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on half of what `Path.write_bytes` is to write finds room."""
    write = Path.write_bytes

    def write_half(path: Path, data: bytes | memoryview) -> None:
        write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)
