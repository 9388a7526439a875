"""The `sightline` command: every command group is registered here, and every expected error ends here."""

import sys

import typer

from cli import (
    bench,
    dead_letters,
    doctor,
    events,
    export,
    items,
    positions,
    rebuild,
    similar,
    stack,
    topics,
    user_requests,
    users,
    verify,
    worker,
)
from cli.demo.command import demo
from cli.output import print_error
from deploy.errors import StackError
from inference.errors import InferenceError
from state.errors import StateError
from streams.errors import StreamError
from streams.settings import SettingsError

EXPECTED = (SettingsError, StackError, StreamError, StateError, InferenceError)

app = typer.Typer(
    name="sightline",
    help="A streaming visual recommender: clicks in by Kafka, refreshed recommendations out in milliseconds.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

app.command()(stack.up)
app.command()(stack.down)
app.command()(stack.status)
app.add_typer(topics.app, name="topics")
app.add_typer(users.app, name="user")
for request in (
    user_requests.forget,
    user_requests.export,
    user_requests.reset,
    user_requests.opt_out,
    user_requests.opt_in,
    user_requests.prefer,
):
    users.app.command()(request)
app.command()(worker.worker)
app.command("export-model")(export.export_model_command)
app.command()(doctor.doctor)
app.command()(verify.verify)
app.command()(rebuild.rebuild)
app.add_typer(positions.app, name="positions")
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(events.publish)
app.command()(events.tail)
app.add_typer(items.app, name="items")
app.command()(similar.similar)
app.command()(demo)
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command line; an expected error is one message on stderr and exit code 2."""
    try:
        app()
    except EXPECTED as error:
        print_error(str(error))
        sys.exit(2)
