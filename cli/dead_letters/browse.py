"""What `sightline dead-letters list` and `show` do: they print letters."""

from collections import deque
from dataclasses import asdict, dataclass

import msgspec
import typer

from cli.console import styled
from cli.dead_letters.escaping import readable, without_quotes
from cli.dead_letters.topic import choice_of, open_letters
from cli.output import print_json, results, when
from streams.processing.redrive import Found
from streams.settings import read_settings
from streams.wire.events import DeadLetter

#: Bytes of a message that `show` prints; --json prints all.
SHOWN_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Summary:
    """A letter without personal data: `value_bytes` is None for a message without a value."""

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


def list_letters(reason: str | None, topic: str | None, age_ms: int | None, limit: int, as_json: bool) -> None:
    """Print a summary of the newest chosen letters, at most `limit`."""
    choice = choice_of(reason, topic, age_ms)
    with open_letters(read_settings()) as letters:
        count, newest = 0, deque[Found](maxlen=limit)
        for count, found in enumerate(letters.choose(choice), start=1):  # noqa: B007  used after the loop
            newest.append(found)
        retried = letters.retried(choice.since_ms)
    shown = [_summary(found, found.address in retried) for found in newest]
    if as_json:
        print_json({"count": count, "letters": [asdict(each) for each in shown]})
        return
    for each in shown:
        _print_summary(each)
    results().print(f"{len(shown)} of {count}")


def show_letter(address: str, as_json: bool) -> None:
    """Print one letter with its content; raises NoSuchLetter."""
    with open_letters(read_settings()) as letters:
        found = letters.find(address)
        retried = found.address in letters.retried(found.at_ms)
    if as_json:
        print_json(msgspec.to_builtins(found.letter))
    else:
        _print_letter(found, retried)


def _print_letter(found: Found, retried: bool) -> None:
    for name, text in _lines(found, retried).items():
        results().print(f"{name}: {text}", soft_wrap=True)
    _print_value(found.letter)


def _lines(found: Found, retried: bool) -> dict[str, str]:
    letter = found.letter
    return {
        "letter": f"{found.address}, written {when(found.at_ms)}" + (", sent back since" if retried else ""),
        "reason": letter.reason,
        "error": letter.error,
        "came from": f"{letter.topic}[{letter.partition}] offset {letter.offset}, {when(letter.timestamp_ms)}",
        "attempts": str(letter.attempts),
        "key": "none" if letter.key is None else readable(letter.key),
        **{f"header {name}": readable(value) for name, value in letter.headers},
    }


def _print_value(letter: DeadLetter) -> None:
    if letter.value is None:
        results().print("no value")
        return
    results().print(f"value, {len(letter.value):,} bytes:")
    typer.echo(readable(letter.value[:SHOWN_BYTES], limit=SHOWN_BYTES))
    if len(letter.value) > SHOWN_BYTES:
        results().print(f"(the first {SHOWN_BYTES:,} bytes; --json has all, in base64)")


def _summary(found: Found, retried: bool) -> Summary:
    letter = found.letter
    return Summary(
        address=found.address,
        at=when(found.at_ms),
        reason=letter.reason,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        value_bytes=None if letter.value is None else len(letter.value),
        attempts=letter.attempts,
        retried=retried,
        error=without_quotes(letter.error),
    )


def _print_summary(summary: Summary) -> None:
    size = "no value" if summary.value_bytes is None else f"{summary.value_bytes:,} bytes"
    attempts = f"attempt {summary.attempts}" + (", sent back" if summary.retried else "")
    place = f"{summary.topic}[{summary.partition}] offset {summary.offset}"
    console = results()
    what = f" {place}, {size}, {attempts}"
    console.print(
        styled((summary.address, "bold"), f" {summary.at} ", (summary.reason, "yellow"), what), soft_wrap=True
    )
    console.print(f"    {summary.error}", style="dim", soft_wrap=True)
