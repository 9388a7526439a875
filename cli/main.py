"""The `sightline` command: the table of all commands, and the end of every expected error."""

import sys
from collections import UserDict
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer._click.exceptions import ClickException
from typer.core import TyperGroup
from typer.main import get_group

from cli.output import print_error
from deploy.errors import StackError
from features.printable import printable
from inference.errors import InferenceError
from state.errors import StateError
from streams.errors import SettingsError, StreamError

#: OSError: a file, a folder or a network that is not as a command needs it.
EXPECTED = (SettingsError, StackError, StreamError, StateError, InferenceError, OSError)

#: The function or the Typer of each command, in the order of --help.
#:
#: These modules are light: they hold signatures and help. The functions import what does the work when they are called,
#: so that help, completion and usage errors load neither numba nor a Kafka client.
COMMANDS = {
    "up": "cli.operate.commands:up",
    "down": "cli.operate.commands:down",
    "status": "cli.operate.commands:status",
    "worker": "cli.operate.commands:worker",
    "export-model": "cli.operate.commands:export_model",
    "web": "cli.web.commands:web",
    "doctor": "cli.operate.commands:doctor",
    "verify": "cli.operate.commands:verify",
    "whatif": "cli.operate.whatif_command:whatif",
    "reembed": "cli.items.commands:reembed",
    "rebuild": "cli.operate.commands:rebuild",
    "migrate": "cli.operate.commands:migrate",
    "publish": "cli.events.commands:publish",
    "tail": "cli.events.commands:tail",
    "similar": "cli.items.commands:similar",
    "search": "cli.items.commands:search",
    "trends": "cli.items.commands:trends",
    "demo": "cli.demo.commands:demo",
    "topics": "cli.operate.commands:topics",
    "user": "cli.user.commands:app",
    "positions": "cli.operate.commands:positions",
    "dead-letters": "cli.dead_letters.commands:app",
    "items": "cli.items.commands:app",
    "train": "cli.train.commands:app",
    "experiment": "cli.experiment.commands:app",
    "rules": "cli.rules.commands:app",
    "web-key": "cli.web.key_command:web_key",
    "bench": "cli.bench.commands:app",
}


class _Commands(UserDict[str, Any]):
    """The commands by name; the module of a command is imported when the command is looked up."""

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

    def make_context(self, *args: Any, **settings: Any) -> Any:
        """Read the words before the command, which a usage error quotes."""
        with _printable_errors():
            return super().make_context(*args, **settings)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a usage error quotes words and files."""
        with _printable_errors():
            return super().invoke(ctx)


@contextmanager
def _printable_errors() -> Iterator[None]:
    try:
        yield
    except ClickException as error:
        error.message = printable(error.message)
        raise


app = typer.Typer(
    name="sightline",
    cls=_Group,
    help="A streaming visual recommender: clicks come in by Kafka, refreshed recommendations go out in milliseconds.",
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
