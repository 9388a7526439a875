"""`sightline topics create` and `check`."""

from dataclasses import asdict

import typer

from cli.output import JsonOption, print_json, results
from deploy.local import Stack
from streams.admin import check_topics, create_topics
from streams.settings import read_settings

app = typer.Typer(help="The topics that Sightline reads and writes.", no_args_is_help=True)


@app.command()
def create(as_json: JsonOption = False) -> None:
    """Create the topics that are missing; those that exist are left as they are."""
    settings = read_settings()
    kafka = Stack(settings).endpoints().kafka
    done = create_topics(kafka, settings.topic_prefix, settings.partitions, settings.replication_factor)
    if as_json:
        print_json(asdict(done))
        return
    for name in done.created:
        results().print(f"created {name}", markup=False, highlight=False)
    results().print(f"{len(done.created)} created, {len(done.existing)} were there", highlight=False)


@app.command()
def check(as_json: JsonOption = False) -> None:
    """Compare the topics with what they should be; exit code 1 when something differs."""
    settings = read_settings()
    kafka = Stack(settings).endpoints().kafka
    differences = check_topics(kafka, settings.topic_prefix, settings.partitions)
    if as_json:
        print_json({"ok": not differences, "differences": [asdict(one) for one in differences]})
    elif not differences:
        results().print("every topic is as it should be")
    for one in () if as_json else differences:
        results().print(f"{one.topic} {one.text}", markup=False, highlight=False, soft_wrap=True)
    if differences:
        raise typer.Exit(1)
