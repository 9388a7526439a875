"""The snapshot of the catalogue that a worker starts from, and the next one, written while the worker works.

Copying or writing a large index blocks everything else in a process. So a forked child writes it from the memory of
that moment; as with Redis, the worker pays for the pages that it changes meanwhile.
"""

import asyncio
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from inference.catalog.catalog import Catalog
from inference.catalog.snapshot import Origin, find_snapshot, load_snapshot, write_snapshot
from inference.errors import SnapshotUnusable
from streams.kafka.continuity import Log
from streams.logs import log
from streams.wire.topics import TOMBSTONES_KEPT_MS

#: A snapshot of this age is written again if anything changed, before it becomes too old to be used.
RENEW_S: Final = 6 * 3600.0
#: Changes to less than a thousandth of the catalogue are read faster than a snapshot is loaded.
_ENOUGH: Final = 1000
#: An hour is left to read the records that came since.
_USABLE_MS: Final = TOMBSTONES_KEPT_MS - 3_600_000
_PATIENCE_S: Final = 120.0
_LOOK_S: Final = 0.02
#: The exit code of a child for anything but an error of the system, which has its own number.
_UNEXPECTED: Final = 255


class Snapshots:
    """The snapshots of one catalogue in a folder, at least `minutes` apart."""

    def __init__(
        self,
        folder: Path,
        minutes: float,
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._folder = folder
        self._every_s = 60 * minutes
        self._clock_ms = clock_ms
        self._topic_id = ""
        self._written_s: float | None = None
        self._looked_s = time.monotonic()
        #: Records applied since the last one.
        self.changes = 0

    def load(self, catalog: Catalog, topic: Log) -> dict[int, int]:
        """Fill an empty catalogue; the offsets to read on from, by partition, empty where all must be read."""
        self._topic_id = topic.topic_id
        begun = time.perf_counter()
        try:
            snapshot = find_snapshot(self._folder)
            if snapshot is None:
                return {}
            origin = snapshot.manifest.origin
            _check_origin(origin, topic, self._clock_ms())
            load_snapshot(snapshot, catalog)
        except SnapshotUnusable as error:
            log.warning("snapshot_not_used", reason=str(error))
            return {}
        age_s = (self._clock_ms() - origin.written_ms) / 1000
        self._written_s = time.monotonic() - age_s
        log.info("snapshot_loaded", items=snapshot.manifest.items, age_s=round(age_s), s=_since(begun))
        return dict(origin.offsets)

    def is_due(self, catalog: Catalog) -> bool:
        """Whether it is time for the next one."""
        now_s = time.monotonic()
        if now_s - self._looked_s < self._every_s:
            return False
        self._looked_s = now_s
        return self.is_worth(catalog)

    def is_worth(self, catalog: Catalog) -> bool:
        """Whether enough has changed since the last one."""
        if not (self.changes and catalog.item_ids):
            return False
        is_old = self._written_s is None or time.monotonic() - self._written_s > RENEW_S
        return is_old or self.changes * _ENOUGH >= len(catalog.item_ids)

    async def write(self, catalog: Catalog, offsets: Mapping[int, int], *, patience_s: float = _PATIENCE_S) -> None:
        """Write the catalogue as it is now, of which `offsets` were read; a failure is only logged."""
        origin = Origin(self._topic_id, dict(offsets), self._clock_ms())
        begun, changes = time.perf_counter(), self.changes
        try:
            pid = _fork(lambda: write_snapshot(self._folder, catalog, origin))
        except OSError as error:
            log.warning("snapshot_not_written", folder=str(self._folder), reason=f"no process for it: {error}")
            return
        held_up_s = _since(begun)
        status = await _ended(pid, patience_s)
        if status:
            log.warning("snapshot_not_written", folder=str(self._folder), reason=_reason(status))
            return
        self.changes -= changes
        self._written_s = time.monotonic()
        log.info("snapshot_written", items=len(catalog.item_ids), s=_since(begun), held_up_s=held_up_s)


def _check_origin(origin: Origin, topic: Log, now_ms: int) -> None:
    """Return if reading on from `origin` gives the same as reading everything; else raise SnapshotUnusable."""
    if origin.topic_id != topic.topic_id:
        raise SnapshotUnusable(f"it was made from topic {origin.topic_id}, {topic.topic} is {topic.topic_id}")
    if origin.offsets.keys() != topic.extents.keys():
        raise SnapshotUnusable(f"it has {len(origin.offsets)} partitions, {topic.topic} has {len(topic.extents)}")
    for partition, extent in topic.extents.items():
        if not extent.first <= origin.offsets[partition] <= extent.end:
            raise SnapshotUnusable(
                f"it ends before offset {origin.offsets[partition]} of {topic.topic}[{partition}], which holds "
                f"{extent.first} to {extent.end}"
            )
    age_ms = now_ms - origin.written_ms
    is_behind = any(origin.offsets[partition] < extent.end for partition, extent in topic.extents.items())
    if is_behind and not 0 <= age_ms < _USABLE_MS:
        raise SnapshotUnusable(
            f"it is {age_ms / 3_600_000:.1f} hours old, and {topic.topic} may no longer tell what was deleted"
        )


def _fork(write: Callable[[], object]) -> int:
    """Fork a child that writes; its process id."""
    with warnings.catch_warnings():
        # Python 3.12 warns that no thread frees its locks in the child: the child takes none of them, and the worker
        # does not wait for it without limit.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _write_and_exit(write)
    return pid


def _write_and_exit(write: Callable[[], object]) -> NoReturn:
    code = _UNEXPECTED
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        # The connections belong to the worker and must end with it.
        os.closerange(3, 1 << 16)
        os.nice(10)
        write()
        code = 0
    except OSError as error:
        code = error.errno or code
    except BaseException:  # noqa: BLE001 (the worker only sees the exit code)
        traceback.print_exc()
    finally:
        os._exit(code)


async def _ended(pid: int, patience_s: float) -> int:
    """The exit code of a child, negative for a signal. A child that takes longer is killed, also on cancellation."""
    deadline = time.monotonic() + patience_s
    ended, status = 0, 0
    try:
        while not ended and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_S)
            ended, status = os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 (it does not wait)
    finally:
        if not ended:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)  # noqa: ASYNC222 (a killed process is gone at once)
    return os.waitstatus_to_exitcode(status)


def _reason(status: int) -> str:
    if status < 0:
        return f"its process was ended by {signal.Signals(-status).name}"
    return "an unexpected error, printed above" if status == _UNEXPECTED else os.strerror(status)


def _since(begun: float) -> float:
    return round(time.perf_counter() - begun, 4)
