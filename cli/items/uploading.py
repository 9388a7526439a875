"""Uploads pictures as an app does, and measures how long each takes to become searchable."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from cli.arrivals import Arrival, Arrivals
from streams.client import EventPublisher
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import StreamError
from streams.processing.dead_letters import read_letter
from streams.wire.events import Upload
from streams.wire.namespace import Namespace
from streams.wire.topics import CATALOG, DEAD_LETTERS

PATIENCE_S = 60.0
DELETED = "deleted: the item was deleted; a change with `deleted` false (events.items) lets it be uploaded again"


class NotSearchable(StreamError):
    """An upload neither reached the catalogue nor was refused in time."""


@dataclass(frozen=True, slots=True)
class Landed:
    """The result of one upload: `seconds` from just before it was sent until its record was read.

    `refused` is None for an item on state.catalog, else the reason of its dead letter, or that it stays deleted.
    """

    item_id: str
    seconds: float
    refused: str | None


class Uploader:
    """Sends uploads in a closed loop: at most `inflight` at once."""

    def __init__(self, bootstrap: str, *, prefix: str, inflight: int, security: KafkaSecurity = PLAINTEXT) -> None:
        watched = [Namespace(prefix).topic(CATALOG), Namespace(prefix).topic(DEAD_LETTERS)]
        self._arrivals = Arrivals(bootstrap, watched, security=security)
        self._dead_letters = Namespace(prefix).topic(DEAD_LETTERS)
        self._inflight = inflight
        try:
            self._publisher = EventPublisher(bootstrap, prefix=prefix, security=security)
        except StreamError:
            self._arrivals.close()
            raise

    @property
    def dead_letters(self) -> int:
        """The number of all records on dead-letters since construction."""
        return self._arrivals.counts[self._dead_letters]

    def send_all(self, uploads: Iterable[Upload], on_landed: Callable[[Landed], None]) -> None:
        """Send each upload and wait for its result; `uploads` is read lazily."""
        with ThreadPoolExecutor(self._inflight) as pool:
            running: set[Future[Landed]] = set()
            for upload in uploads:
                running.add(pool.submit(self._send, upload))
                if len(running) >= self._inflight:
                    running = _report(running, on_landed)
            while running:
                running = _report(running, on_landed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._publisher.close()
        self._arrivals.close()

    def _send(self, upload: Upload) -> Landed:
        future = self._arrivals.expect(upload.item_id)
        sent = time.perf_counter()
        self._publisher.publish(upload)
        try:
            arrival = future.result(PATIENCE_S)
        except TimeoutError:
            raise NotSearchable(
                f"item {upload.item_id!r} is neither in the catalogue nor refused after {PATIENCE_S:.0f} s: "
                "see whether the uploads worker runs and reaches Triton (its log is under .sightline/logs)"
            ) from None
        return Landed(upload.item_id, arrival.at - sent, refused(arrival, self._dead_letters))


def _report(running: set[Future[Landed]], on_landed: Callable[[Landed], None]) -> set[Future[Landed]]:
    done, still = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        on_landed(future.result())
    return still


def refused(arrival: Arrival, dead_letters: str) -> str | None:
    """Why an upload led to no item, by the record of its item on state.catalog or `dead_letters`; None if it did."""
    if arrival.topic == dead_letters:
        return refusal(arrival.value)
    return DELETED if arrival.value is None else None


def refusal(value: bytes | None) -> str:
    """The reason and error of a record on dead-letters."""
    letter = read_letter(value)
    return "unknown: its dead letter cannot be read" if letter is None else f"{letter.reason}: {letter.error}"
