"""What `sightline items import` does: it uploads a folder of pictures and waits for each."""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from rich.table import Table

from cli.items.journal import RULES, Entry, Journal
from cli.items.picture_folder import FoundPicture, Survey, read_file, shown_by
from cli.items.uploading import DELETED, Landed, Uploader
from cli.output import print_json, progress_bar, results
from cli.running import running_system
from features.vision.formats import BadImage
from streams.credentials import kafka_security
from streams.kafka.admin import cluster_id
from streams.pseudonyms import known_as
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
    made_smaller: int = 0
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
        sent = self._sent.pop(landed.item_id)
        if landed.refused != DELETED:
            # The next import sends the picture of a deleted item again: the deletion may have been taken back.
            self.journal.add(Entry(landed.item_id, sent, landed.refused, RULES))
        if landed.refused is None:
            self.searchable += 1
        else:
            self.refused[landed.item_id] = landed.refused
        self.advance()

    def _upload(self, picture: FoundPicture) -> Upload | None:
        try:
            content = read_file(picture.path)
            sent = _digest(content, picture)
            known = self.journal.find(picture.item_id, sent)
            if known is not None:
                self._count_known(known)
                return None
            shown = shown_by(content)
        except (OSError, ValueError) as error:
            self.refused[picture.item_id] = f"{error.reason}: {error}" if isinstance(error, BadImage) else str(error)
            return None
        self.made_smaller += shown.content is not content
        self._sent[picture.item_id] = sent
        return Upload(
            event_id=uuid.uuid4().hex,
            occurred_at_ms=time.time_ns() // 1_000_000,
            item_id=picture.item_id,
            user_id=self.user_id,
            category=picture.category,
            attributes=dict(picture.attributes) or None,
            sha256=hashlib.sha256(shown.content).hexdigest(),
            image=shown.image,
            video=shown.video,
        )

    def _count_known(self, known: Entry) -> None:
        if known.refused is None:
            self.unchanged += 1
        else:
            self.refused[known.item_id] = known.refused


def _digest(content: bytes, picture: FoundPicture) -> str:
    """What the journal compares; without attributes as the release before them wrote it."""
    own = msgspec.json.encode(picture.attributes, order="sorted").decode() if picture.attributes else ""
    return f"{hashlib.sha256(content).hexdigest()}/{picture.category or ''}{own and '/' + own}"


def import_pictures(folder: Path, found: Survey, user: str, inflight: int, as_json: bool) -> None:
    """Import the pictures of a folder in the name of a user, and print a report."""
    settings = read_settings()
    security = kafka_security(settings)
    begun = time.monotonic()
    with (
        running_system(settings) as endpoints,
        Uploader(endpoints.kafka, prefix=settings.topic_prefix, inflight=inflight, security=security) as uploader,
        progress_bar() as progress,
    ):
        cluster = cluster_id(endpoints.kafka, security=security)
        journal = Journal.of(settings.home, folder, cluster, settings.topic_prefix)
        bar = progress.add_task("importing", total=len(found.pictures))
        work = Import(journal, known_as(settings, user), advance=lambda: progress.advance(bar))
        uploader.send_all(work.uploads(found.pictures), work.landed)
    _report(work, found, time.monotonic() - begun, as_json)


def _report(work: Import, found: Survey, seconds: float, as_json: bool) -> None:
    if as_json:
        refused = [{"item_id": item, "reason": reason} for item, reason in work.refused.items()]
        print_json(
            {
                "found": len(found.pictures),
                "searchable": work.searchable,
                "unchanged": work.unchanged,
                "made_smaller": work.made_smaller,
                "refused": refused,
                "passed_over": [{"path": path, "reason": reason} for path, reason in found.passed_over.items()],
                "seconds": round(seconds, 2),
            }
        )
        return
    results().print(
        f"{len(found.pictures)} pictures: {work.searchable} new or changed and searchable, {work.unchanged} unchanged, "
        f"{len(work.refused)} refused; {work.made_smaller} were made smaller or converted, "
        f"{len(found.passed_over)} other entries passed over"
    )
    _print_reasons("refused", work.refused)
    _print_reasons("passed over", found.passed_over)


def _print_reasons(title: str, reasons: dict[str, str]) -> None:
    if not reasons:
        return
    table = Table(title, "why", title=f"{len(reasons)} {title}", title_justify="left")
    for name, reason in reasons.items():
        table.add_row(name, reason)
    results().print(table)
