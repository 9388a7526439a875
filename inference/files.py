"""Files that are there whole or not at all."""

from pathlib import Path


def replace_file(path: Path, data: bytes | memoryview) -> None:
    """Write a file whole or not at all, whatever ends the process meanwhile; raises OSError."""
    draft = path.with_name(path.name + ".draft")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
