"""What an import has already put into the catalogue, so that the next one sends only what is new or changed."""

import hashlib
from pathlib import Path

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """One file as it was sent: its item, what was sent of it, and why it was refused, if it was."""

    item_id: str
    sent: str
    refused: str | None = None


class Journal:
    """Entries in a file that is only added to; a line cut short by a crash is as if it had never been."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = {entry.item_id: entry for entry in _read(path)}

    @classmethod
    def of(cls, home: Path, folder: Path, cluster_id: str, prefix: str) -> "Journal":
        """The journal of one folder on one Kafka cluster: on another cluster nothing was sent yet."""
        name = hashlib.sha256("\0".join((str(folder.resolve()), cluster_id, prefix)).encode()).hexdigest()[:16]
        return cls(home / "imports" / f"{name}.jsonl")

    def find(self, item_id: str, sent: str) -> Entry | None:
        """The entry of this item if it was sent just like this."""
        entry = self._entries.get(item_id)
        return entry if entry is not None and entry.sent == sent else None

    def add(self, entry: Entry) -> None:
        """Remember an entry, at once and for good."""
        self._entries[entry.item_id] = entry
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            # The newline comes first, so that a line cut short spoils only itself.
            file.write(b"\n" + msgspec.json.encode(entry))


def _read(path: Path) -> list[Entry]:
    if not path.exists():
        return []
    entries = []
    for line in filter(None, path.read_bytes().split(b"\n")):
        try:
            entries.append(msgspec.json.decode(line, type=Entry))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return entries
