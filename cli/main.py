"""The `sightline` command: every command is named here, and every expected error ends here."""

import sys
from collections import UserDict
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from cli.output import print_error
from deploy.errors import StackError
from inference.errors import InferenceError
from state.errors import StateError
from streams.errors import StreamError
from streams.settings import SettingsError

EXPECTED = (SettingsError, StackError, StreamError, StateError, InferenceError)

#: A function or a Typer of commands for each name, in the order of --help.
COMMANDS = {
    "up": "cli.operate.stack:up",
    "down": "cli.operate.stack:down",
    "status": "cli.operate.stack:status",
    "worker": "cli.operate.worker:worker",
    "export-model": "cli.operate.export:export_model_command",
    "doctor": "cli.operate.doctor:doctor",
    "verify": "cli.operate.verify:verify",
    "rebuild": "cli.operate.rebuild:rebuild",
    "publish": "cli.events:publish",
    "tail": "cli.events:tail",
    "similar": "cli.similar:similar",
    "demo": "cli.demo.command:demo",
    "topics": "cli.operate.topics:app",
    "user": "cli.user.commands:app",
    "positions": "cli.operate.positions:app",
    "dead-letters": "cli.operate.dead_letters:app",
    "items": "cli.items.commands:app",
    "bench": "cli.bench.commands:app",
}


class _Commands(UserDict[str, Any]):
    """The commands by name; the module of one is imported when it is looked up: all of them take seconds."""

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = self.data[name].partition(":")
        found = getattr(import_module(module), attribute)
        one = typer.Typer()
        if isinstance(found, typer.Typer):
            one.add_typer(found, name=name)
        else:
            one.command(name)(found)
        return get_group(one).commands[name]


class _Group(TyperGroup):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands(COMMANDS)


app = typer.Typer(
    name="sightline",
    cls=_Group,
    help="A streaming visual recommender: clicks in by Kafka, refreshed recommendations out in milliseconds.",
    no_args_is_help=True,
    callback=lambda: None,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def main() -> None:
    """Run the command line; an expected error is one message on stderr and exit code 2."""
    try:
        app()
    except EXPECTED as error:
        print_error(str(error))
        sys.exit(2)
