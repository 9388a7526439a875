"""`sightline topics create`, `check` and `acls`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from cli.output import JsonOption, print_json, results
from deploy.local import Stack
from streams.credentials import kafka_security
from streams.kafka.acls import ROLES, Role, grants
from streams.kafka.admin import TopicDifference, check_topics, create_topics
from streams.settings import Settings, read_settings

app = typer.Typer(help="The topics that Sightline reads and writes.", no_args_is_help=True)


@app.command()
def create(as_json: JsonOption = False) -> None:
    """Create the topics that are missing; those that exist are left as they are, and where they differ it is told."""
    settings = read_settings()
    kafka = Stack(settings).endpoints().kafka
    done = create_topics(
        kafka,
        settings.topic_prefix,
        settings.partitions,
        settings.replication_factor,
        security=kafka_security(settings),
    )
    differences = _differences(settings, kafka) if done.existing else []
    if as_json:
        print_json({**asdict(done), "differences": [asdict(one) for one in differences]})
        return
    for name in done.created:
        results().print(f"created {name}", markup=False, highlight=False)
    results().print(f"{len(done.created)} created, {len(done.existing)} were there", highlight=False)
    _print_differences(differences)


@app.command()
def check(as_json: JsonOption = False) -> None:
    """Compare the topics with what they should be; exit code 1 when something differs."""
    settings = read_settings()
    kafka = Stack(settings).endpoints().kafka
    differences = _differences(settings, kafka)
    if as_json:
        print_json({"ok": not differences, "differences": [asdict(one) for one in differences]})
    elif not differences:
        results().print("every topic is as it should be")
    else:
        _print_differences(differences)
    if differences:
        raise typer.Exit(1)


@app.command()
def acls(
    role: Annotated[Role | None, typer.Argument(help="Only this role; all of them when none is named.")] = None,
    user: Annotated[str | None, typer.Option(help="The Kafka user who has the role [the role's name].")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print what each role may do in Kafka, as calls of kafka-acls.sh; it asks and changes nothing."""
    settings = read_settings()
    allowed = {each: grants(each, settings.topic_prefix) for each in ([role] if role else ROLES)}
    if as_json:
        print_json({each: [asdict(one) for one in of_role] for each, of_role in allowed.items()})
        return
    for each, of_role in allowed.items():
        for one in of_role:
            results().print(one.command(user or each), markup=False, highlight=False, soft_wrap=True)


def _differences(settings: Settings, kafka: str) -> list[TopicDifference]:
    return check_topics(kafka, settings.topic_prefix, settings.partitions, security=kafka_security(settings))


def _print_differences(differences: Sequence[TopicDifference]) -> None:
    for one in differences:
        results().print(f"{one.topic} {one.text}", markup=False, highlight=False, soft_wrap=True)
