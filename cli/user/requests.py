"""What the requests of `sightline user` do: they publish a privacy request and wait for its receipt."""

import asyncio
import json
import time
import uuid
from contextlib import closing
from typing import Any

import msgspec
import typer
from kafka.errors import KafkaError  # type: ignore[import-untyped]  # ships no types

from cli.arrivals import Arrivals
from cli.output import print_json, progress, results
from cli.running import running_system
from cli.user.exports import ExportReader
from deploy.local import Endpoints
from features.item import hash_of
from sightline_client.privacy import RequestKind
from state.redis import RedisPartitions, connect
from streams.client import EventPublisher
from streams.credentials import kafka_security, redis_access
from streams.errors import NotDelivered
from streams.kafka.log_reader import KafkaLogReader
from streams.privacy.erasure_check import find_traces
from streams.pseudonyms import known_as
from streams.settings import Settings, read_settings
from streams.wire.events import Export, PlaceInLog, PrivacyRequest, Receipt
from streams.wire.namespace import Namespace
from streams.wire.topics import EXPORTS, RECEIPTS

SETTLE_S = 15.0


def erase(user_id: str, timeout_s: float, as_json: bool, *, verify: bool) -> None:
    """Forget a user and print the receipt; with `verify`, search for traces too: exit code 1 if there are any."""
    settings = read_settings()
    with running_system(settings) as endpoints:
        receipt = _ask(settings, endpoints, "forget", user_id, timeout_s)
        if not as_json:
            # Before the search, which may fail: the user is forgotten.
            _print_receipt(user_id, receipt)
        traces = asyncio.run(_verify(settings, endpoints, receipt, user_id)) if verify else None
    if as_json:
        print_json({**_plain(receipt), **({} if traces is None else {"traces": traces})})
    else:
        _print_traces(user_id, traces)
    if traces:
        raise typer.Exit(1)


def print_export(user_id: str, timeout_s: float, as_json: bool) -> None:
    """Ask for a user's data and print them."""
    settings = read_settings()
    topic = Namespace(settings.topic_prefix).topic(EXPORTS)
    with (
        running_system(settings) as endpoints,
        closing(KafkaLogReader(endpoints.kafka, security=kafka_security(settings))) as log,
    ):
        exports = ExportReader(log, topic, settings.partitions)
        receipt = _ask(settings, endpoints, "export", user_id, timeout_s)
        made = exports.wait_for(known_as(settings, user_id), receipt.request, timeout_s)
    if as_json:
        print_json(_plain(made))
    else:
        typer.echo(json.dumps(_plain(made), indent=2))


def carry_out(
    kind: RequestKind, user_id: str, timeout_s: float, as_json: bool, dials: dict[str, float] | None = None
) -> None:
    """Make a request and print its receipt; `dials` belong to a request of kind `prefer`."""
    settings = read_settings()
    with running_system(settings) as endpoints:
        receipt = _ask(settings, endpoints, kind, user_id, timeout_s, dials)
    if as_json:
        print_json(_plain(receipt))
    else:
        _print_receipt(user_id, receipt)


def _ask(
    settings: Settings,
    endpoints: Endpoints,
    kind: RequestKind,
    user_id: str,
    timeout_s: float,
    dials: dict[str, float] | None = None,
) -> Receipt:
    """Publish a request and wait for its receipt; raises NotDelivered."""
    prefix, security, user_id = settings.topic_prefix, kafka_security(settings), known_as(settings, user_id)
    request = PrivacyRequest(
        event_id=uuid.uuid4().hex,
        type=kind,
        user_id=user_id,
        occurred_at_ms=time.time_ns() // 1_000_000,
        prefer=dials,
    )
    deadline = time.monotonic() + timeout_s
    with (
        Arrivals(endpoints.kafka, [Namespace(prefix).topic(RECEIPTS)], security=security) as receipts,
        EventPublisher(endpoints.kafka, prefix=prefix, security=security) as publisher,
    ):
        arriving = receipts.expect(hash_of(user_id))
        place = _place(publisher, request)
        while True:
            try:
                arrival = arriving.result(max(deadline - time.monotonic(), 0.0))
            except TimeoutError:
                raise NotDelivered(
                    f"no receipt came within {timeout_s:g} s: do the workers run (`sightline status`)? "
                    "The request is kept in events.privacy and will be carried out"
                ) from None
            arriving = receipts.expect(hash_of(user_id))
            receipt = msgspec.json.decode(arrival.value or b"", type=Receipt)
            if receipt.request == place:
                return receipt


def _place(publisher: EventPublisher, request: PrivacyRequest) -> PlaceInLog:
    try:
        written: Any = publisher.publish(request).get()
    except KafkaError as error:
        raise NotDelivered(f"Kafka did not accept the request: {error!r}") from error
    return PlaceInLog(written.partition, written.offset)


async def _verify(settings: Settings, endpoints: Endpoints, receipt: Receipt, user_id: str) -> list[str]:
    """The traces left after the effect of the receipt is stored; waits up to SETTLE_S for both."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        stored = await _is_stored(settings, endpoints, receipt)
        traces = await find_traces(settings, endpoints.kafka, endpoints.redis, known_as(settings, user_id))
        if (stored and not traces) or time.monotonic() > deadline:
            return traces if stored else [*traces, "Redis does not hold the effect of the request yet"]
        await asyncio.sleep(0.2)


async def _is_stored(settings: Settings, endpoints: Endpoints, receipt: Receipt) -> bool:
    client = connect(endpoints.redis, access=redis_access(settings))
    try:
        store = RedisPartitions(
            client, Namespace(settings.topic_prefix).profile_keys, observe=lambda _op, _seconds: None
        )
        partition = receipt.applied.partition
        return (await store.positions([partition]))[partition] >= receipt.applied.offset
    finally:
        await client.aclose()


def _plain(message: Receipt | Export) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(message)
    return plain


def _print_receipt(user_id: str, receipt: Receipt) -> None:
    erased = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in receipt.erased.items())
    took = receipt.done_ms - receipt.asked_ms
    dials = f"; dials set: {receipt.dials_set}" if receipt.type == "prefer" else ""
    results().print(
        f"{receipt.type} of user {user_id!r}: done within {took} ms{dials}{'; erased: ' if erased else ''}{erased}",
        soft_wrap=True,
    )


def _print_traces(user_id: str, traces: list[str] | None) -> None:
    if traces is None:
        return
    for trace in traces:
        progress(f"{user_id!r} is still found in {trace}")
    if not traces:
        results().print(
            "no trace is left in Redis or in the latest records of the compacted topics; topics of events keep what "
            "was published until their retention ends (docs/privacy.md)",
            soft_wrap=True,
        )
