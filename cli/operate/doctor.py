"""What `sightline doctor` does: it checks services, model, topics and keys, and changes nothing.

A warning is what the system works with for now, such as a Triton that is away: uploads wait, and clicks go on.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import typer

from cli.console import styled
from cli.output import print_json, results
from deploy.local import ServiceStatus, Stack
from features.vision.gate.policy import GatePolicy
from features.vision.gate.table import ModelFault
from features.words.item_words import MODEL as WORDS_MODEL
from inference.encoders.triton import model_ready
from inference.errors import EncoderUnavailable
from inference.gate.scores import MODELS as GATE_MODELS
from inference.gate.scores import TritonScores
from state.errors import StateError
from state.redis import connect
from state.redis_facts import RedisFacts, read_redis_facts
from streams.credentials import kafka_security, redis_access, triton_tls
from streams.errors import StreamError
from streams.kafka.admin import broker_version, check_topics, find_misrouted, recent_records
from streams.privacy.control_records import HEADER as CONTROL
from streams.processing.unknown_fields import KINDS, NAME_SHOWN, NAMES_SHOWN, unknown_fields
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace
from streams.wire.promises import Broken, broken_by_redis

Level = Literal["ok", "warning", "wrong"]
_MARKS: dict[Level, tuple[str, str]] = {
    "ok": ("ok     ", "green"),
    "warning": ("warning", "yellow"),
    "wrong": ("WRONG  ", "red"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `remedy` says what to do when it is not ok."""

    check: str
    level: Level
    detail: str
    remedy: str = ""


def examine(as_json: bool) -> None:
    """Make every check and print the findings; exit code 1 when something is wrong, not for a warning."""
    settings = read_settings()
    stack = Stack(settings)
    services = [_with_version(status, settings) for status in stack.status()]
    findings = [_service(status) for status in services]
    working = {finding.check for finding in findings if finding.level == "ok"}
    versions = {status.name: status.version for status in services}
    endpoints = stack.endpoints()
    if "redis" in working:
        findings += _redis(endpoints.redis, settings)
    if "triton" in working:
        findings.append(_model(endpoints.triton, settings))
        if settings.words == "on":
            findings.append(_words(endpoints.triton, settings))
        asked = GatePolicy.parse(settings.gate).asked
        findings += [asyncio.run(_gate(endpoints.triton, settings, fault)) for fault in asked]
    if "kafka" in working:
        findings += _topics(endpoints.kafka, settings)
        findings.append(_keys(endpoints.kafka, settings))
        findings += _fields(endpoints.kafka, settings)
    ok = all(finding.level != "wrong" for finding in findings)
    if as_json:
        print_json({"ok": ok, "versions": versions, "findings": list(map(_plain, findings))})
    else:
        _print(findings)
    if not ok:
        raise typer.Exit(1)


def _plain(finding: Finding) -> dict[str, object]:
    return {**asdict(finding), "ok": finding.level == "ok"}


def _with_version(status: ServiceStatus, settings: Settings) -> ServiceStatus:
    """The status with the version of an external Kafka, which only a client can ask for."""
    if status.name == "kafka" and status.state == "external":
        return replace(status, version=broker_version(status.address, security=kafka_security(settings)))
    return status


def _service(status: ServiceStatus) -> Finding:
    if status.state in ("running", "external"):
        version = f" {status.version}" if status.version else ""
        return Finding(status.name, "ok", f"{status.name}{version} answers at {status.address}")
    remedy = status.remedy or "run `sightline up`"
    if status.remedy is None and status.log is None:
        remedy = f"start it, or correct SIGHTLINE_{status.name.upper()}"
    trouble = f": {status.trouble}" if status.trouble else ""
    detail = f"{status.state} at {status.address}{trouble}"
    if status.name == "triton":
        return Finding("triton", "warning", f"{detail}: new pictures wait, clicks get their lists", remedy)
    return Finding(status.name, "wrong", detail, remedy)


def _redis(redis: str, settings: Settings) -> Iterator[Finding]:
    async def ask() -> Sequence[RedisFacts]:
        client = connect(redis, access=redis_access(settings))
        try:
            return await read_redis_facts(client, redis, observe=lambda _op, _seconds: None)
        finally:
            await client.aclose()

    try:
        yield from _broken("redis", broken_by_redis(asyncio.run(ask())))
    except StateError as error:
        yield Finding("redis", "wrong", str(error))


def _model(triton: str, settings: Settings) -> Finding:
    model = settings.encoder
    if asyncio.run(model_ready(triton, model, tls=triton_tls(settings))):
        return Finding("encoder", "ok", f"model {model!r} is ready")
    return Finding(
        "encoder",
        "wrong",
        f"Triton at {triton} has no model {model!r} ready",
        "run `sightline export-model` and start Triton with the repository it makes, or set SIGHTLINE_ENCODER",
    )


def _words(triton: str, settings: Settings) -> Finding:
    if asyncio.run(model_ready(triton, WORDS_MODEL, tls=triton_tls(settings))):
        return Finding("words", "ok", f"model {WORDS_MODEL!r} is ready")
    return Finding(
        "words",
        "warning",
        f"Triton at {triton} has no model {WORDS_MODEL!r} ready: words are embedded later, and find nothing",
        "run `sightline export-model` and start Triton with the repository it makes, or set SIGHTLINE_WORDS=off",
    )


async def _gate(triton: str, settings: Settings, fault: ModelFault) -> Finding:
    model = GATE_MODELS[fault]
    scores = TritonScores(triton, fault, tls=triton_tls(settings), timeout_s=settings.encode_timeout_s)
    try:
        await scores.check()
    except EncoderUnavailable as error:
        remedy = f"run `sightline export-model --{model}` and restart Triton, or take `{fault}` out of SIGHTLINE_GATE"
        return Finding(model, "wrong", f"{error}: new pictures wait", remedy)
    finally:
        await scores.close()
    return Finding(model, "ok", f"model {model!r} is ready")


def _topics(kafka: str, settings: Settings) -> Iterator[Finding]:
    try:
        broken = check_topics(
            kafka, Namespace(settings.topic_prefix), settings.partitions, security=kafka_security(settings)
        )
    except StreamError as error:
        yield Finding("topics", "wrong", str(error))
        return
    yield from _broken("topics", broken)
    if not broken:
        yield Finding("topics", "ok", "every topic is as it should be")


def _broken(check: str, broken: Sequence[Broken]) -> Iterator[Finding]:
    for one in broken:
        detail, _, remedy = str(one).partition(": ")
        yield Finding(check, "wrong" if one.dangerous else "warning", detail, remedy)


def _keys(kafka: str, settings: Settings) -> Finding:
    try:
        read, misrouted = find_misrouted(kafka, Namespace(settings.topic_prefix), security=kafka_security(settings))
    except StreamError as error:
        return Finding("keys", "wrong", str(error))
    if not misrouted:
        return Finding("keys", "ok", f"{read} recent records lie where murmur2 of their key says")
    one = misrouted[-1]
    return Finding(
        "keys",
        "wrong",
        f"{len(misrouted)} of {read} recent records lie on the wrong partition, such as "
        f"{one.topic}[{one.partition}] offset {one.offset}, whose key belongs to partition {one.expected}",
        "make the publisher hash keys with murmur2 (librdkafka and kcat: partitioner=murmur2_random)",
    )


def _fields(kafka: str, settings: Settings) -> Iterator[Finding]:
    """Name the unknown fields of recent events. They are ignored, as the contract says, so nothing is wrong."""
    namespace = Namespace(settings.topic_prefix)
    names = [namespace.named(name) for name in KINDS]
    found: Counter[tuple[str, str]] = Counter()
    try:
        for record, _ in recent_records(kafka, names, security=kafka_security(settings)):
            topic = namespace.short_name(record.topic)
            if any(name == CONTROL for name, _ in record.headers):
                continue
            found.update((topic, name) for name in unknown_fields(record, KINDS[topic]))
    except StreamError as error:
        yield Finding("fields", "wrong", str(error))
        return
    if found:
        most = found.most_common(NAMES_SHOWN)
        named = [f"{name[:NAME_SHOWN]!r} on {topic} ({count})" for (topic, name), count in most]
        yield Finding(
            "fields",
            "ok",
            f"recent events have fields that are unknown here and ignored: {', '.join(named)}",
            "if one is misspelt, correct its publisher (docs/clients.md)",
        )


def _print(findings: list[Finding]) -> None:
    for finding in findings:
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        line = styled(_MARKS[finding.level], f" {finding.check}: {finding.detail}", (remedy, "bold"))
        results().print(line, soft_wrap=True)
