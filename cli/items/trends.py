"""What `sightline trends` does: it reads the topic trends."""

import time
from collections.abc import Sequence
from contextlib import closing

import msgspec
from rich.table import Table

from cli.output import print_json, progress, results
from cli.running import running_stores
from cli.sheets.contact_sheet import Cell
from cli.sheets.show import show_sheet
from sightline_client.trends import Trends
from streams.credentials import kafka_security
from streams.errors import StreamError
from streams.kafka.log_reader import KafkaLogReader, LogReader
from streams.settings import read_settings
from streams.wire.namespace import Namespace
from streams.wire.topics import TRENDS

#: Offsets that are read, from the end of the topic: the latest record of each kind is among them.
_LATEST = 64
_ITEMS_SHOWN = 3


class UnreadableTrends(StreamError):
    """A record of the topic that this release cannot read."""


def print_trends(sheet: str | None, as_json: bool) -> None:
    """Print what the interactions workers published last, the most surprising first."""
    settings = read_settings()
    with running_stores(settings) as endpoints:
        with closing(KafkaLogReader(endpoints.kafka, security=kafka_security(settings))) as reader:
            latest = latest_trends(reader, Namespace(settings.topic_prefix).topic(TRENDS))
        if sheet is not None:
            show_sheet(settings, endpoints, sheet, "rising now", _cells(latest))
    if as_json:
        print_json({each.kind: msgspec.to_builtins(each) for each in latest})
    elif not latest:
        progress("nothing was published yet: an interactions worker says every half minute what rises")
    else:
        _print(latest)


def latest_trends(reader: LogReader, topic: str) -> list[Trends]:
    """The latest record of each kind, in the order of their names; raises BrokerUnavailable, UnreadableTrends."""
    extent = reader.extent(topic, 0)
    found: dict[str, Trends] = {}
    for record in reader.read(topic, 0, max(extent.first, extent.end - _LATEST), extent.end):
        if record.value is None:
            continue
        try:
            read = msgspec.json.decode(record.value, type=Trends)
        except msgspec.DecodeError as error:
            raise UnreadableTrends(
                f"record {record.offset} of {topic} cannot be read ({error}): use the release of the workers"
            ) from error
        found[read.kind] = read
    return sorted(found.values(), key=lambda each: each.kind)


def _print(latest: Sequence[Trends]) -> None:
    age_s = max(0.0, time.time() - min(each.at_ms for each in latest) / 1000)
    if not any(each.rising for each in latest):
        progress(f"nothing rose {age_s:.0f} s ago")
        return
    table = Table("kind", "what", "lift", "share", "items", title=f"rising, {age_s:.0f} s ago")
    for each in latest:
        for rising in each.rising:
            items = ", ".join(rising.items[:_ITEMS_SHOWN])
            table.add_row(each.kind, rising.name, f"{rising.lift:.1f}", f"{rising.share:.1%}", items)
    results().print(table)


def _cells(latest: Sequence[Trends]) -> list[Cell]:
    """The strongest item of each rising thing."""
    return [
        Cell(rising.items[0], rising.name, f"{each.kind}, {rising.lift:.1f} times its share before")
        for each in latest
        for rising in each.rising
        if rising.items
    ]
