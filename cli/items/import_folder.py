"""What `sightline items import` does: it uploads a folder of pictures and waits for each."""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.items.journal import Entry, Journal
from cli.items.picture_folder import FoundPicture, read_picture
from cli.items.uploading import Landed, Uploader
from cli.output import diagnostics, print_json, results
from cli.pseudonyms import known_as
from cli.running import running_system
from streams.credentials import kafka_security
from streams.kafka.admin import cluster_id
from streams.settings import read_settings
from streams.wire.events import Upload


@dataclass(slots=True)
class Import:
    """A running import: what to send, and the result of each file."""

    journal: Journal
    user_id: str
    advance: Callable[[], None]
    searchable: int = 0
    unchanged: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    _sent: dict[str, str] = field(default_factory=dict)

    def uploads(self, pictures: Sequence[FoundPicture]) -> Iterator[Upload]:
        """The uploads of new and changed files, read one by one; other files are counted."""
        for picture in pictures:
            upload = self._upload(picture)
            if upload is not None:
                yield upload
            else:
                self.advance()

    def landed(self, landed: Landed) -> None:
        """Count the result of an upload, and write it into the journal."""
        self.journal.add(Entry(landed.item_id, self._sent.pop(landed.item_id), landed.refused))
        if landed.refused is None:
            self.searchable += 1
        else:
            self.refused[landed.item_id] = landed.refused
        self.advance()

    def _upload(self, picture: FoundPicture) -> Upload | None:
        try:
            image = read_picture(picture.path)
        except (OSError, ValueError) as error:
            self.refused[picture.item_id] = str(error)
            return None
        digest = hashlib.sha256(image).hexdigest()
        sent = f"{digest}/{picture.category or ''}"
        known = self.journal.find(picture.item_id, sent)
        if known is not None:
            self._count_known(known)
            return None
        self._sent[picture.item_id] = sent
        return Upload(
            event_id=uuid.uuid4().hex,
            occurred_at_ms=time.time_ns() // 1_000_000,
            item_id=picture.item_id,
            user_id=self.user_id,
            image=image,
            category=picture.category,
            sha256=digest,
        )

    def _count_known(self, known: Entry) -> None:
        if known.refused is None:
            self.unchanged += 1
        else:
            self.refused[known.item_id] = known.refused


def import_pictures(folder: Path, pictures: Sequence[FoundPicture], user: str, inflight: int, as_json: bool) -> None:
    """Import the pictures of a folder in the name of a user, and print a report."""
    settings = read_settings()
    security = kafka_security(settings)
    begun = time.monotonic()
    with (
        running_system(settings) as endpoints,
        Uploader(endpoints.kafka, prefix=settings.topic_prefix, inflight=inflight, security=security) as uploader,
        _bar() as progress,
    ):
        cluster = cluster_id(endpoints.kafka, security=security)
        journal = Journal.of(settings.home, folder, cluster, settings.topic_prefix)
        bar = progress.add_task("importing", total=len(pictures))
        work = Import(journal, known_as(settings, user), advance=lambda: progress.advance(bar))
        uploader.send_all(work.uploads(pictures), work.landed)
    _report(work, len(pictures), time.monotonic() - begun, as_json)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=diagnostics(),
    )


def _report(work: Import, found: int, seconds: float, as_json: bool) -> None:
    if as_json:
        refused = [{"item_id": item, "reason": reason} for item, reason in work.refused.items()]
        print_json(
            {
                "found": found,
                "searchable": work.searchable,
                "unchanged": work.unchanged,
                "refused": refused,
                "seconds": round(seconds, 2),
            }
        )
        return
    console = results()
    console.print(f"{found} pictures: {work.searchable} new or changed and searchable, {work.unchanged} unchanged")
    if work.refused:
        table = Table("refused", "why", title=f"{len(work.refused)} refused", title_justify="left")
        for item, reason in work.refused.items():
            table.add_row(item, reason)
        console.print(table)
