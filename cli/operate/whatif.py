"""What `sightline whatif` does: it replays the last events through another version beside the served one."""

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import typer
from rich.table import Table

from benchmarks.evaluation.log import Log, UnreadableLog
from benchmarks.evaluation.topics import read_topics
from benchmarks.evaluation.whatif.differences import differences
from benchmarks.evaluation.whatif.replay import replay
from benchmarks.evaluation.whatif.version import Version, read_ranker, settings_with
from cli.output import print_json, progress, results
from cli.user.stored import read_model
from deploy.local import Stack
from streams.credentials import kafka_security
from streams.kafka.log_reader import KafkaLogReader
from streams.privacy.control_records import ControlRecords, control_keys
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace


def compare(
    since_ms: int,
    history_ms: int,
    served: str | None,
    ranker: str | None,
    changed: Mapping[str, str],
    most: int,
    seed: int,
    as_json: bool,
) -> None:
    """Replay the last `since_ms` through both versions, and print how their lists differ.

    The events of `history_ms` before are learned first.
    """
    settings = read_settings()
    other_settings = settings_with(changed)
    named = {word: read_ranker(word) for word in (served, ranker) if word is not None}
    model = named[served] if served is not None else read_model(settings, Stack(settings).endpoints())
    other = named[ranker] if ranker is not None else model
    versions = (Version.of(settings, model), Version.of(other_settings, other, changed))
    began, start_ms = time.monotonic(), time.time_ns() // 1_000_000 - since_ms
    try:
        log = _read(settings, start_ms - history_ms)
    except UnreadableLog as error:
        raise typer.BadParameter(str(error)) from error
    events = sum(event.at_ms >= start_ms for event in log.events)
    replayed = replay(log, start_ms, versions, most=most, seed=seed, progress=progress)
    if not replayed.users:
        raise typer.BadParameter(f"in that time no user chose a new item, of {events:,} events: take a longer --since")
    found = {
        "names": {"served": versions[0].name, "other": versions[1].name},
        "events": events,
        "history_events": len(log.events) - events,
        **differences(replayed, seed),
        **_speed(len(log.events), events, time.monotonic() - began, since_ms / 1000),
        "seed": seed,
    }
    if as_json:
        print_json(found)
    else:
        _print(found)


def _read(settings: Settings, since_ms: int) -> Log:
    progress("reading the deployment's topics")
    control = ControlRecords(*control_keys(settings.control_key))
    with closing(KafkaLogReader(Stack(settings).endpoints().kafka, security=kafka_security(settings))) as reader:
        return read_topics(reader, Namespace(settings.topic_prefix), settings.partitions, control, since_ms=since_ms)


def _speed(replayed: int, live: int, took_s: float, live_s: float) -> dict[str, float]:
    """Events a second: of the replay, reading and comparing included, and of the deployment."""
    return {
        "took_s": round(took_s, 2),
        "events_per_s": round(replayed / took_s, 1),
        "live_events_per_s": round(live / live_s, 4),
        "times_live": round(replayed / took_s / (live / live_s), 1),
    }


def _print(found: Mapping[str, Any]) -> None:
    caption = f"{found['lists']:,} lists of {found['users']:,} users; difference with its 95 % interval, by users"
    table = Table("", "served", "other", "difference", caption=caption)
    for name, each in found["differences"].items():
        difference = f"{each['value']:+.4f} ({each['low']:+.4f} to {each['high']:+.4f})"
        table.add_row(name, f"{found['served'][name]:.4f}", f"{found['other'][name]:.4f}", difference)
    console = results()
    console.print(f"served: {found['names']['served']}; other: {found['names']['other']}", soft_wrap=True)
    console.print(table)
    overlap = f"{found['overlap_at_10']:.1%} of the first ten items are the same"
    console.print(f"{found['lists_differ']:.1%} of the lists differ; {overlap}", soft_wrap=True)
    events = f"{found['events']:,} events after {found['history_events']:,} in {found['took_s']:,.1f} s"
    console.print(f"{events}: {found['times_live']:,.0f} times the live rate", soft_wrap=True)
