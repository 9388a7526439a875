"""What `sightline topics create`, `check` and `acls` do."""

from collections.abc import Sequence
from dataclasses import asdict

import typer

from cli.output import print_json, results
from deploy.local import Stack
from streams.credentials import kafka_security
from streams.kafka.acls import ROLES, Role, grants
from streams.kafka.admin import check_topics, create_topics
from streams.settings import Settings, read_settings
from streams.wire.namespace import Namespace
from streams.wire.promises import Broken


def create_missing(as_json: bool) -> None:
    """Create the missing topics and print them, with the differences of those that existed."""
    settings = read_settings()
    kafka = Stack(settings).endpoints().kafka
    done = create_topics(
        kafka,
        Namespace(settings.topic_prefix),
        settings.partitions,
        settings.replication_factor,
        security=kafka_security(settings),
    )
    differences = _differences(settings, kafka) if done.existing else []
    if as_json:
        print_json({**asdict(done), "differences": _plain(differences)})
        return
    for name in done.created:
        results().print(f"created {name}")
    results().print(f"{len(done.created)} created, {len(done.existing)} were there")
    _print_differences(differences)


def compare(as_json: bool) -> None:
    """Print how the topics differ from what we need; exit code 1 on a difference."""
    settings = read_settings()
    kafka = Stack(settings).endpoints().kafka
    differences = _differences(settings, kafka)
    if as_json:
        print_json({"ok": not differences, "differences": _plain(differences)})
    elif not differences:
        results().print("every topic is as it should be")
    else:
        _print_differences(differences)
    if differences:
        raise typer.Exit(1)


def print_acls(role: Role | None, user: str | None, as_json: bool) -> None:
    """Print the grants of one role or of all; `user` is the Kafka user, by default named like the role."""
    settings = read_settings()
    allowed = {each: grants(each, Namespace(settings.topic_prefix)) for each in ([role] if role else ROLES)}
    if as_json:
        print_json({each: [asdict(one) for one in of_role] for each, of_role in allowed.items()})
        return
    for each, of_role in allowed.items():
        for one in of_role:
            results().print(one.command(user or each), soft_wrap=True)


def _differences(settings: Settings, kafka: str) -> list[Broken]:
    return check_topics(kafka, Namespace(settings.topic_prefix), settings.partitions, security=kafka_security(settings))


def _plain(differences: Sequence[Broken]) -> list[dict[str, object]]:
    return [
        {"topic": one.subject, "text": one.text, "kind": one.kind, "dangerous": one.dangerous} for one in differences
    ]


def _print_differences(differences: Sequence[Broken]) -> None:
    for one in differences:
        results().print(str(one), soft_wrap=True)
