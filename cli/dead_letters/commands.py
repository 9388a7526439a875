"""The commands for messages that could not be used: `sightline dead-letters …`."""

from typing import Annotated

import typer

from cli.dead_letters.age import parse_age
from cli.output import JsonOption

app = typer.Typer(help="Messages that could not be used.", no_args_is_help=True)

ReasonOption = Annotated[str | None, typer.Option(help="This reason only, such as unknown_type.")]
TopicOption = Annotated[str | None, typer.Option(help="From this topic only, without the prefix.")]
SinceOption = Annotated[str | None, typer.Option(help="Not older than this, such as 90s, 30m, 2h or 7d.")]


@app.command("list")
def list_(
    reason: ReasonOption = None,
    topic: TopicOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest of them, by partition.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List dead letters with their origin, reason and size, but without their content."""
    age_ms = None if since is None else parse_age(since)
    from cli.dead_letters.browse import list_letters

    list_letters(reason, topic, age_ms, limit, as_json)


@app.command()
def show(
    address: Annotated[str, typer.Argument(help="PARTITION-OFFSET, as in the list.")], as_json: JsonOption = False
) -> None:
    """Show one dead letter with its personal content; control characters are escaped."""
    from cli.dead_letters.browse import show_letter

    show_letter(address, as_json)


@app.command()
def retry(
    reason: ReasonOption = None,
    topic: TopicOption = None,
    since: SinceOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this number, the oldest first.")] = None,
    again: Annotated[bool, typer.Option(help="Also those that were sent back before.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be sent.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send dead letters unchanged back to the topics they came from, in order, each at least once.

    A letter that is refused again becomes a new dead letter with `attempts` one higher.
    """
    age_ms = None if since is None else parse_age(since)
    from cli.dead_letters.retry import send_back

    send_back(reason, topic, age_ms, limit, again=again, dry_run=dry_run, as_json=as_json)
