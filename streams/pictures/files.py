"""The files of kept pictures, and how a folder of them is read.

obstore's own listing of a folder ends at the first name that has a line break or is not UTF-8, and it hides what an
interrupted write leaves behind (`<key>#1`).
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features.vision.kept_picture import sha256_of

_DIGITS: Final = re.compile(r"[0-9a-f]{2}")
_INTERRUPTED: Final = re.compile(r"(.+)#[0-9]+")


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file of the store; `written_s` is the Unix time of its last writing."""

    key: str
    sha256: str
    bytes: int
    written_s: float


def files_in(home: Path, folder: str) -> Iterator[PictureFile]:
    """All pictures and previews of an app, in no order; files of others are passed over. Raises OSError."""
    for key, entry in _entries(home, folder):
        if (sha256 := sha256_of(key)) is not None:
            # It may be removed meanwhile.
            with suppress(FileNotFoundError):
                facts = entry.stat()
                yield PictureFile(key, sha256, facts.st_size, facts.st_mtime)


def remove_interrupted(home: Path, folder: str, before_s: float) -> None:
    """Remove what is left of writes that were interrupted before this Unix time; raises OSError."""
    for key, entry in _entries(home, folder):
        whole = _INTERRUPTED.fullmatch(key)
        if whole is not None and sha256_of(whole[1]) is not None:
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime < before_s:
                    Path(entry).unlink()


def _entries(home: Path, folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """The key and the entry of each file that lies where pictures lie."""
    for part in _listed(home / folder):
        if _DIGITS.fullmatch(part.name) and part.is_dir():
            for entry in _listed(part):
                if entry.is_file():
                    yield f"{folder}/{part.name}/{entry.name}", entry


def _listed(path: os.PathLike[str]) -> Iterator[os.DirEntry[str]]:
    try:
        found = os.scandir(path)
    except FileNotFoundError:
        return
    with found:
        yield from found
