"""What lies below a folder: pictures, by their first bytes or at least by name, and why all else is none."""

import os
from collections.abc import Iterator
from pathlib import Path

from features.vision.clips.containers import is_clip
from features.vision.formats import HEAD_BYTES, BadImage, sniff

#: A file that is named so and is no picture is refused, which its owner wants to know; others are passed over.
SUFFIXES = frozenset((".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".heic", ".heif", ".hif", ".avif"))


def entries(folder: Path, *, clips: bool = False) -> Iterator[tuple[Path, str | None]]:
    """Every file below a folder, sorted by path, and why it is no picture, nor a clip if these count, too; else None.

    So is every folder that is not entered, with the reason.
    """
    for path, not_entered in _walk(folder):
        yield path, not_entered or _why_no_picture(path, clips)


def _walk(folder: Path) -> list[tuple[Path, str | None]]:
    found: list[tuple[Path, str | None]] = []

    def unreadable(error: OSError) -> None:
        found.append((Path(error.filename), f"a folder that cannot be read: {error.strerror}"))

    for parent, folders, files in os.walk(folder, onerror=unreadable):
        entered = []
        for name in folders:
            path = Path(parent, name)
            if path.is_symlink():
                found.append((path, "a link to a folder, which is not followed"))
            elif name.startswith("."):
                found.append((path, "a hidden folder"))
            else:
                entered.append(name)
        folders[:] = entered
        found += [(Path(parent, name), None) for name in files]
    return sorted(found)


def _why_no_picture(path: Path, clips: bool) -> str | None:
    """Why a file is passed over; None for a picture, or what is named like one."""
    if path.name.startswith("._"):
        return "what macOS keeps beside a file (AppleDouble), no picture"
    if path.name.startswith("."):
        return "a hidden file"
    if not path.is_file():
        return "a link that leads nowhere" if path.is_symlink() else "neither a file nor a folder"
    if path.suffix.lower() in SUFFIXES:
        return None
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if not (clips and is_clip(head)):
            sniff(head)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except BadImage as error:
        return f"{error.reason}: {error}"
    return None
