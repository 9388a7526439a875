"""What `sightline doctor` does: it checks services, model, topics and keys, and changes nothing."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import typer

from cli.console import styled
from cli.output import print_json, results
from deploy.local import ServiceStatus, Stack
from inference.encoders.triton import model_ready
from streams.credentials import kafka_security, triton_tls
from streams.errors import StreamError
from streams.kafka.admin import broker_version, check_topics, find_misrouted, recent_records
from streams.processing.unknown_fields import KINDS, unknown_fields
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace

#: Unknown fields that are named, and the characters of a name.
_SHOWN, _NAME_SHOWN = 8, 64


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `remedy` says what to do when it is not ok."""

    check: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(as_json: bool) -> None:
    """Make every check and print the findings; exit code 1 when something is wrong."""
    settings = read_settings()
    stack = Stack(settings)
    services = [_with_version(status, settings) for status in stack.status()]
    findings = [_service(status) for status in services]
    working = {finding.check for finding in findings if finding.ok}
    versions = {status.name: status.version for status in services}
    endpoints = stack.endpoints()
    if "triton" in working:
        findings.append(_model(endpoints.triton, settings))
    if "kafka" in working:
        findings += _topics(endpoints.kafka, settings)
        findings.append(_keys(endpoints.kafka, settings))
        findings += _fields(endpoints.kafka, settings)
    ok = all(finding.ok for finding in findings)
    if as_json:
        print_json({"ok": ok, "versions": versions, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(findings)
    if not ok:
        raise typer.Exit(1)


def _with_version(status: ServiceStatus, settings: Settings) -> ServiceStatus:
    """The status with the version of an external Kafka, which only a client can ask for."""
    if status.name == "kafka" and status.state == "external":
        return replace(status, version=broker_version(status.address, security=kafka_security(settings)))
    return status


def _service(status: ServiceStatus) -> Finding:
    ok = status.state in ("running", "external")
    if ok:
        version = f" {status.version}" if status.version else ""
        return Finding(status.name, True, f"{status.name}{version} answers at {status.address}")
    remedy = status.remedy or "run `sightline up`"
    if status.remedy is None and status.log is None:
        remedy = f"start it, or correct SIGHTLINE_{status.name.upper()}"
    trouble = f": {status.trouble}" if status.trouble else ""
    return Finding(status.name, False, f"{status.state} at {status.address}{trouble}", remedy)


def _model(triton: str, settings: Settings) -> Finding:
    model = settings.encoder
    if asyncio.run(model_ready(triton, model, tls=triton_tls(settings))):
        return Finding("encoder", True, f"model {model!r} is ready")
    return Finding(
        "encoder",
        False,
        f"Triton at {triton} has no model {model!r} ready",
        "run `sightline export-model` and start Triton with the repository it makes, or set SIGHTLINE_ENCODER",
    )


def _topics(kafka: str, settings: Settings) -> Iterator[Finding]:
    try:
        differences = check_topics(
            kafka, Namespace(settings.topic_prefix), settings.partitions, security=kafka_security(settings)
        )
    except StreamError as error:
        yield Finding("topics", False, str(error))
        return
    for one in differences:
        detail, _, remedy = one.text.partition(": ")
        yield Finding("topics", False, f"{one.topic} {detail}", remedy)
    if not differences:
        yield Finding("topics", True, "every topic is as it should be")


def _keys(kafka: str, settings: Settings) -> Finding:
    try:
        read, misrouted = find_misrouted(kafka, Namespace(settings.topic_prefix), security=kafka_security(settings))
    except StreamError as error:
        return Finding("keys", False, str(error))
    if not misrouted:
        return Finding("keys", True, f"{read} recent records lie where murmur2 of their key says")
    one = misrouted[-1]
    return Finding(
        "keys",
        False,
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
            found.update((topic, name) for name in unknown_fields(record.value, KINDS[topic]))
    except StreamError as error:
        yield Finding("fields", False, str(error))
        return
    if found:
        shown = [f"{name[:_NAME_SHOWN]!r} on {topic} ({count})" for (topic, name), count in found.most_common(_SHOWN)]
        yield Finding(
            "fields",
            True,
            f"recent events have fields that are unknown here and ignored: {', '.join(shown)}",
            "if one is misspelt, correct its publisher (docs/clients.md)",
        )


def _print(findings: list[Finding]) -> None:
    for finding in findings:
        mark, style = ("ok   ", "green") if finding.ok else ("WRONG", "red")
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        line = styled((mark, style), f" {finding.check}: {finding.detail}", (remedy, "bold"))
        results().print(line, soft_wrap=True)
