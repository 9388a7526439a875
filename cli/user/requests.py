"""`sightline user forget`, `export`, `reset`, `opt-out`, `opt-in`, `prefer`: what a user may ask, and the receipt."""

import asyncio
import time
import uuid
from typing import Annotated, Any

import msgspec
import typer
from kafka.errors import KafkaError  # type: ignore[import-untyped]  # ships no types

from cli.arrivals import Arrivals
from cli.output import JsonOption, print_json, progress, results
from cli.pseudonyms import known_as
from cli.running import running_system
from cli.user.dials import read_dials
from deploy.local import Endpoints
from features.item import hash_of
from features.privacy import RequestKind
from state.keys import Keys
from state.redis import RedisPartitions, connect
from streams.client import EventPublisher
from streams.credentials import kafka_security, redis_access
from streams.errors import NotDelivered
from streams.privacy.erasure_check import find_traces
from streams.settings import Settings, read_settings
from streams.wire.events import Export, PlaceInLog, PrivacyRequest, Receipt
from streams.wire.topics import EXPORTS, RECEIPTS

SETTLE_S = 15.0

UserArgument = Annotated[str, typer.Argument(help="The user's id.")]
TimeoutOption = Annotated[float, typer.Option(min=1, help="Give up waiting for the receipt after so many seconds.")]


def forget(
    user_id: UserArgument,
    verify: Annotated[bool, typer.Option("--verify", help="Then search Redis and the topics for the id.")] = False,
    timeout: TimeoutOption = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Erase what is kept of a user, and refuse what comes late. Exit code 1 if --verify finds a trace."""
    settings = read_settings()
    with running_system(settings) as endpoints:
        receipt = _ask(settings, endpoints, "forget", user_id, timeout)
        traces = asyncio.run(_verify(settings, endpoints, receipt, user_id)) if verify else None
    if as_json:
        print_json({**_plain(receipt), **({} if traces is None else {"traces": traces})})
    else:
        _tell(user_id, receipt)
        _tell_traces(user_id, traces)
    if traces:
        raise typer.Exit(1)


def export(user_id: UserArgument, timeout: TimeoutOption = 30.0, as_json: JsonOption = False) -> None:
    """Print a user's profile and the items that the user owns, as JSON."""
    settings = read_settings()
    with (
        running_system(settings) as endpoints,
        Arrivals(endpoints.kafka, [settings.topic_prefix + EXPORTS.name], security=kafka_security(settings)) as exports,
    ):
        arriving = exports.expect(hash_of(known_as(settings, user_id)))
        _ask(settings, endpoints, "export", user_id, timeout)
        made = msgspec.json.decode(arriving.result(timeout).value or b"", type=Export)
    if as_json:
        print_json(_plain(made))
    else:
        typer.echo(msgspec.json.format(msgspec.json.encode(made)).decode())


def reset(user_id: UserArgument, timeout: TimeoutOption = 30.0, as_json: JsonOption = False) -> None:
    """Let a user start over: what was engaged with, refused and seen is erased."""
    _carry_out("reset", user_id, timeout, as_json)


def opt_out(user_id: UserArgument, timeout: TimeoutOption = 30.0, as_json: JsonOption = False) -> None:
    """Keep no profile of a user: it is erased, and events change nothing; lists have what is popular and new."""
    _carry_out("opt_out", user_id, timeout, as_json)


def opt_in(user_id: UserArgument, timeout: TimeoutOption = 30.0, as_json: JsonOption = False) -> None:
    """Keep a profile of a user again, from now on."""
    _carry_out("opt_in", user_id, timeout, as_json)


def prefer(
    user_id: UserArgument,
    dials: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=WEIGHT...",
            help="A category, an item's id or its owner's, and how much more of it: 1 is most, -1 never, 0 as before.",
        ),
    ],
    timeout: TimeoutOption = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Set a user's own dials, for what to show more of, less of, or never; others stay as they are."""
    _carry_out("prefer", user_id, timeout, as_json, read_dials(dials))


def _carry_out(
    kind: RequestKind, user_id: str, timeout: float, as_json: bool, dials: dict[str, float] | None = None
) -> None:
    settings = read_settings()
    with running_system(settings) as endpoints:
        receipt = _ask(settings, endpoints, kind, user_id, timeout, dials)
    if as_json:
        print_json(_plain(receipt))
    else:
        _tell(user_id, receipt)


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
        Arrivals(endpoints.kafka, [prefix + RECEIPTS.name], security=security) as receipts,
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
        raise NotDelivered(f"the request was not taken by Kafka: {error!r}") from error
    return PlaceInLog(written.partition, written.offset)


async def _verify(settings: Settings, endpoints: Endpoints, receipt: Receipt, user_id: str) -> list[str]:
    """What is found when the receipt's effect is stored, and what it leads to has had its time."""
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
        store = RedisPartitions(client, Keys(settings.topic_prefix), observe=lambda _op, _seconds: None)
        partition = receipt.applied.partition
        return (await store.positions([partition]))[partition] >= receipt.applied.offset
    finally:
        await client.aclose()


def _plain(message: Receipt | Export) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(message)
    return plain


def _tell(user_id: str, receipt: Receipt) -> None:
    erased = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in receipt.erased.items())
    took = receipt.done_ms - receipt.asked_ms
    dials = f"; dials set: {receipt.dials_set}" if receipt.type == "prefer" else ""
    results().print(
        f"{receipt.type} of user {user_id!r}: done within {took} ms{dials}{'; erased: ' if erased else ''}{erased}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _tell_traces(user_id: str, traces: list[str] | None) -> None:
    if traces is None:
        return
    for trace in traces:
        progress(f"{user_id!r} is still found in {trace}")
    if not traces:
        results().print(
            "nothing of it is found in Redis, nor in what the compacted topics say last; topics of events keep what "
            "was published until their retention ends (docs/privacy.md)",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
