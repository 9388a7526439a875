"""`sightline dead-letters`: what was refused, looked at and sent back."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer
from rich.text import Text

from cli.output import JsonOption, print_json, progress, results
from deploy.local import Stack
from streams.credentials import kafka_security
from streams.kafka.log_reader import KafkaLogReader
from streams.kafka.publisher import KafkaPublisher
from streams.processing.redrive import Choice, Found, Letters, Retried, retry
from streams.settings import Settings, read_settings
from streams.wire.events import encode

app = typer.Typer(help="Messages that could not be used.", no_args_is_help=True)

#: Bytes of a message that `show` prints; --json has them all.
SHOWN_BYTES = 4096
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_QUOTED = re.compile(r"""b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*\"""")

ReasonOption = Annotated[str | None, typer.Option(help="This reason only, such as unknown_type.")]
TopicOption = Annotated[str | None, typer.Option(help="From this topic only, without the prefix.")]
SinceOption = Annotated[str | None, typer.Option(help="Not older than this, such as 90s, 30m, 2h or 7d.")]


@dataclass(frozen=True, slots=True)
class Summary:
    """A letter without anything personal: `value_bytes` is None for a message without a value."""

    address: str
    at: str
    reason: str
    topic: str
    partition: int
    offset: int
    value_bytes: int | None
    attempts: int
    retried: bool
    error: str


@app.command("list")
def list_(
    reason: ReasonOption = None,
    topic: TopicOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest of them, by partition.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List dead letters: where they came from, why, how large; never what they say."""
    choice = _choice(reason, topic, since)
    with _letters(read_settings()) as letters:
        count, newest = 0, deque[Found](maxlen=limit)
        for count, found in enumerate(letters.choose(choice), start=1):  # noqa: B007  used after the loop
            newest.append(found)
        retried = letters.retried(choice.since_ms)
    shown = [_summary(found, found.address in retried) for found in newest]
    if as_json:
        print_json({"count": count, "letters": [asdict(each) for each in shown]})
        return
    for each in shown:
        _print(each)
    results().print(f"{len(shown)} of {count}", highlight=False)


@app.command()
def show(
    address: Annotated[str, typer.Argument(help="PARTITION-OFFSET, as in the list.")], as_json: JsonOption = False
) -> None:
    """Show one dead letter whole, personal content included; what a terminal would obey is escaped."""
    with _letters(read_settings()) as letters:
        found = letters.find(address)
        retried = address in letters.retried(found.at_ms)
    letter = found.letter
    if as_json:
        typer.echo(encode(letter))
        return
    lines = {
        "letter": f"{address}, written {_when(found.at_ms)}" + (", sent back since" if retried else ""),
        "reason": letter.reason,
        "error": letter.error,
        "came from": f"{letter.topic}[{letter.partition}] offset {letter.offset}, {_when(letter.timestamp_ms)}",
        "attempts": str(letter.attempts),
        "key": "none" if letter.key is None else readable(letter.key),
        **{f"header {name}": readable(value) for name, value in letter.headers},
    }
    for name, text in lines.items():
        typer.echo(f"{printable(name)}: {printable(text)}")
    if letter.value is None:
        typer.echo("no value")
        return
    typer.echo(f"value, {len(letter.value):,} bytes:\n{readable(letter.value[:SHOWN_BYTES])}")
    if len(letter.value) > SHOWN_BYTES:
        typer.echo(f"(the first {SHOWN_BYTES:,} bytes; --json has all, in base64)")


@app.command("retry")
def retry_(
    reason: ReasonOption = None,
    topic: TopicOption = None,
    since: SinceOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, the oldest first.")] = None,
    again: Annotated[bool, typer.Option(help="Also those that were sent back before.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be sent.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send dead letters back to the topics they came from, as they were; each at least once, in their order.

    One that is refused again becomes a new dead letter with `attempts` one higher.
    """
    settings = read_settings()
    choice = _choice(reason, topic, since)
    done = asyncio.run(_retry(settings, choice, limit, again, dry_run))
    if as_json:
        print_json({"dry_run": dry_run, **asdict(done)})
        return
    what = "would be sent back" if dry_run else "sent back"
    results().print(f"{done.sent} {what}, {done.earlier} had been before (--again sends them, too)", highlight=False)
    if done.foreign:
        results().print(f"{done.foreign} came from topics that are not ours and stay", highlight=False)
    if done.cut:
        results().print(f"{done.cut} are not the whole message and stay", highlight=False)


def readable(data: bytes) -> str:
    """Bytes as text that no terminal obeys: whatever is not UTF-8 or not printable is escaped."""
    return printable(data.decode("utf-8", "backslashreplace"))


def printable(text: str) -> str:
    """Text without control characters and the like, which are escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def without_quotes(error: str) -> str:
    """An error without what it quotes of the message, such as a user's id."""
    return _QUOTED.sub("'…'", error)


def parse_age(text: str) -> int:
    """Milliseconds of an age such as 90s, 30m, 2h or 7d."""
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or len(number) > 9 or unit not in _SECONDS:
        raise typer.BadParameter(f"{text!r} is no age: give a number and s, m, h or d, such as 2h")
    return int(number) * _SECONDS[unit] * 1000


class _Nowhere:
    """A Publisher for a dry run."""

    async def publish(self, messages: object) -> None:
        """Publish nothing."""


async def _retry(settings: Settings, choice: Choice, limit: int | None, again: bool, dry_run: bool) -> Retried:
    def tell(done: Retried) -> None:
        progress(f"{done.sent} sent back")

    with _letters(settings) as letters:
        sending = partial(retry, letters, choice, prefix=settings.topic_prefix, limit=limit, again=again)
        if dry_run:
            return await sending(_Nowhere())
        kafka, security = Stack(settings).endpoints().kafka, kafka_security(settings)
        publisher = KafkaPublisher(kafka, client_id="sightline-retry", security=security)
        try:
            return await sending(publisher, progress=tell)
        finally:
            await publisher.close()


@contextmanager
def _letters(settings: Settings) -> Iterator[Letters]:
    log = KafkaLogReader(Stack(settings).endpoints().kafka, security=kafka_security(settings))
    try:
        yield Letters(log, prefix=settings.topic_prefix, partitions=settings.partitions)
    finally:
        log.close()


def _choice(reason: str | None, topic: str | None, since: str | None) -> Choice:
    since_ms = None if since is None else time.time_ns() // 1_000_000 - parse_age(since)
    return Choice(reason, topic, since_ms)


def _summary(found: Found, retried: bool) -> Summary:
    letter = found.letter
    return Summary(
        address=found.address,
        at=_when(found.at_ms),
        reason=printable(letter.reason),
        topic=printable(letter.topic),
        partition=letter.partition,
        offset=letter.offset,
        value_bytes=None if letter.value is None else len(letter.value),
        attempts=letter.attempts,
        retried=retried,
        error=printable(without_quotes(letter.error)),
    )


def _print(summary: Summary) -> None:
    size = "no value" if summary.value_bytes is None else f"{summary.value_bytes:,} bytes"
    attempts = f"attempt {summary.attempts}" + (", sent back" if summary.retried else "")
    place = f"{summary.topic}[{summary.partition}] offset {summary.offset}"
    line = Text.assemble(
        (summary.address, "bold"), " ", summary.at, " ", (summary.reason, "yellow"), f" {place}, {size}, {attempts}"
    )
    line.append(f"\n    {summary.error}", style="dim")
    results().print(line, soft_wrap=True)


def _when(at_ms: int) -> str:
    # A letter may say any time; none that a calendar lacks.
    return datetime.fromtimestamp(min(max(at_ms, 0), 253_402_300_799_000) / 1000, UTC).isoformat(timespec="seconds")
