"""Fuzzes the input of workers for crashes and hangs: events through the parsers, pictures through the decoder."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from benchmarks.world.odd_events import records
from benchmarks.world.odd_pictures import mutated, whole_pictures
from features.trends import NO_TRENDS, update_trends
from features.vision.formats import BadImage
from state.codec import encode_behaviour, encode_sources
from streams.errors import InvalidEvent
from streams.items.reducer import ItemEffects
from streams.processing.dead_letters import set_aside
from streams.uploads.decoder import Decoder
from streams.wire.namespace import Namespace
from streams.wire.parsing import parse_interaction, parse_item_change, parse_upload
from streams.wire.records import Record
from streams.wire.signals import Chosen, Engaged, parse_signal
from streams.wire.topics import DEAD_LETTERS, INTERACTIONS, ITEMS, UPLOADS

#: An event takes well under a millisecond; the limit allows for pauses of the machine.
EVENT_HANG_S = 2.0
_AT_ONCE = 32
_LETTER_LIMIT = int(DEAD_LETTERS.config["max.message.bytes"])
_PARSERS = {INTERACTIONS.name: parse_interaction, UPLOADS.name: parse_upload, ITEMS.name: parse_item_change}


@dataclass(slots=True)
class Fuzzed:
    """`crashes` counts inputs that raised anything but a refusal or ended a decoder; `hangs`, inputs past the deadline.

    `peak_mb` is the peak memory of a decoder process, in 10⁶ bytes.
    """

    events: int = 0
    pictures: int = 0
    crashes: int = 0
    hangs: int = 0
    peak_mb: float = 0.0


def fuzz(
    events: int, pictures: int, *, seed: int, files: Sequence[Path] = (), progress: Callable[[str], None]
) -> Fuzzed:
    """Try `events` random events and `pictures` mutated pictures; `files` are tried unchanged and mutated."""
    found = Fuzzed()
    if events:
        _fuzz_events(found, events, seed, progress)
    progress(f"{found.events:,} events: {found.crashes} crashes, {found.hangs} hangs")
    if pictures or files:
        asyncio.run(_fuzz_pictures(found, pictures, seed, files, progress))
    return found


def _fuzz_events(found: Fuzzed, count: int, seed: int, progress: Callable[[str], None]) -> None:
    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(records())
    def try_one(record: Record) -> None:
        found.events += 1
        began = time.perf_counter()
        try:
            _handle(record)
        except Exception as error:  # noqa: BLE001 (any other exception ends a worker)
            found.crashes += 1
            progress(f"crash: {error!r} by {str(record)[:500]}")
        found.hangs += time.perf_counter() - began > EVENT_HANG_S

    try_one()


def _handle(record: Record) -> None:
    """Do what the agents do with a record, up to the encoding of stored and published values."""
    try:
        if record.topic in _PARSERS:
            _PARSERS[record.topic](record)
            return
        signal = parse_signal(record.value)
    except InvalidEvent as error:
        for letter in set_aside(record, error, namespace=Namespace()):
            if len(letter.value or b"") + len(letter.key or b"") > _LETTER_LIMIT:
                raise OverflowError(f"a dead letter of {len(letter.value or b'')} bytes") from error
        return
    effects = ItemEffects()
    match signal:
        case Chosen(choices=choices, linking=linking):
            for choice in choices:
                effects.choose(choice, linking)
        case Engaged(engagements=found):
            for engagement in found:
                effects.engage(engagement)
    effects.link()
    for behaviour in effects.behaviours.values():
        encode_behaviour(behaviour)
    encode_sources(effects.sources)
    update_trends(NO_TRENDS, effects.behaviours, record.timestamp_ms)


async def _fuzz_pictures(
    found: Fuzzed, count: int, seed: int, files: Sequence[Path], progress: Callable[[str], None]
) -> None:
    given = [path.read_bytes() for path in files]
    outcomes: Counter[str] = Counter()
    decoder = Decoder()
    try:
        await decoder.start()
        for batch in _batches(given, count, Random(seed)):  # noqa: S311 (to be repeated, not to be secret)
            outcomes.update(await asyncio.gather(*(_outcome(decoder, data) for data in batch)))
            found.peak_mb = max(found.peak_mb, *map(_peak_mb, decoder.pids))
    finally:
        await decoder.close()
    found.pictures = outcomes.total() - len(given)
    found.crashes += outcomes["crash"]
    found.hangs += outcomes["too_slow"]
    progress("pictures: " + ", ".join(f"{number:,} {outcome}" for outcome, number in outcomes.most_common()))


def _batches(given: Sequence[bytes], count: int, random: Random) -> Iterator[list[bytes]]:
    yield list(given)
    whole = [*whole_pictures(), *(data for data in given if data)]
    for start in range(0, count, _AT_ONCE):
        yield [mutated(whole, random) for _ in range(min(_AT_ONCE, count - start))]


async def _outcome(decoder: Decoder, data: bytes) -> str:
    try:
        await decoder.decode(data)
    except BadImage as error:
        return error.reason
    return "decoded"


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))
