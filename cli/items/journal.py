"""The journal of an import, so that the next import sends only what is new or changed."""

import hashlib
from pathlib import Path

import msgspec

from sightline_client.parsing import UNREADABLE

#: Counts up with every version that accepts pictures which the one before refused.
RULES = 1


class Entry(msgspec.Struct, frozen=True):
    """One file as it was sent: its item, a digest of the content, and the reason if it was refused, by which rules."""

    item_id: str
    sent: str
    refused: str | None = None
    rules: int = 0


class Journal:
    """Entries in an append-only file; a line cut short by a crash is ignored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = {entry.item_id: entry for entry in _read(path)}

    @classmethod
    def of(cls, home: Path, folder: Path, cluster_id: str, prefix: str) -> "Journal":
        """The journal of one folder for one Kafka cluster and topic prefix."""
        name = hashlib.sha256("\0".join((str(folder.resolve()), cluster_id, prefix)).encode()).hexdigest()[:16]
        return cls(home / "imports" / f"{name}.jsonl")

    def find(self, item_id: str, sent: str) -> Entry | None:
        """The entry of this item if its content is still the same, and so are the rules if they refused it."""
        entry = self._entries.get(item_id)
        if entry is None or entry.sent != sent or (entry.refused is not None and entry.rules != RULES):
            return None
        return entry

    def add(self, entry: Entry) -> None:
        """Append an entry to the file."""
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
        except UNREADABLE:
            continue
    return entries
