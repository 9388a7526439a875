"""The record of a service between commands: its process and its ports."""

import json
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.errors import StackError
from deploy.lock import locked
from deploy.process import Process

# Below the range of outgoing connections on Linux, which could occupy a recorded port.
PORTS = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Record:
    """The process of a service (None after its end) and its ports by name."""

    process: Process | None = None
    ports: Mapping[str, int] = field(default_factory=dict)


def load(path: Path) -> Record:
    """Read a record; an empty one if there is none."""
    try:
        data = json.loads(path.read_text())
        process = Process(**data["process"]) if data["process"] else None
        return Record(process, {str(name): int(port) for name, port in data["ports"].items()})
    except FileNotFoundError:
        return Record()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StackError(
            f"{path} is not a record of a service ({error!r}): end the service and delete the file"
        ) from error


def save(path: Path, record: Record) -> None:
    """Write a record atomically: a reader sees the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(record)))
    draft.replace(path)


def remembered_ports(path: Path, names: Sequence[str]) -> dict[str, int]:
    """The ports in a record; if it has none, they are chosen and saved."""
    known = load(path)
    if set(known.ports) == set(names):
        return dict(known.ports)
    with locked(path.with_suffix(".lock"), on_wait=lambda: None):
        known = load(path)  # another process may have chosen meanwhile
        if set(known.ports) != set(names):
            known = Record(known.process, keep_or_choose(names, known.ports))
            save(path, known)
    return dict(known.ports)


def keep_or_choose(names: Iterable[str], remembered: Mapping[str, int]) -> dict[str, int]:
    """For each name its remembered port if that is free, else another free port."""
    chosen: dict[str, int] = {}
    for name in names:
        port = remembered.get(name)
        while port is None or port in chosen.values() or not is_free(port):
            port = PORTS[secrets.randbelow(len(PORTS))]
        chosen[name] = port
    return chosen


def is_free(port: int) -> bool:
    """Whether a server can listen on this port of localhost now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
