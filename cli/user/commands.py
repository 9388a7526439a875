"""The commands for the state of one user: `sightline user …`."""

from typing import Annotated

import typer

from cli.output import JsonOption

app = typer.Typer(help="What is kept of a user.", no_args_is_help=True)

UserArgument = Annotated[str, typer.Argument(help="The user's id.")]
TimeoutOption = Annotated[float, typer.Option(min=1, help="Seconds to wait for the receipt.")]


@app.command()
def show(user_id: UserArgument, as_json: JsonOption = False) -> None:
    """Show a user's profile: engaged and refused items, and the interests that follow from them."""
    from cli.user.profile import print_profile

    print_profile(user_id, as_json)


@app.command()
def explain(
    user_id: UserArgument,
    item_id: Annotated[str | None, typer.Argument(help="The id of an item, in the list or not.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the list that a user would get now, and why; or why an item is in it, or is not."""
    from cli.user.explain import print_explanation

    print_explanation(user_id, item_id, as_json)


@app.command()
def forget(
    user_id: UserArgument,
    verify: Annotated[bool, typer.Option("--verify", help="Then search Redis and the topics for the id.")] = False,
    timeout: TimeoutOption = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Erase what is kept of a user, and refuse late events. Exit code 1 if --verify finds a trace."""
    from cli.user.requests import erase

    erase(user_id, timeout, as_json, verify=verify)


@app.command()
def export(user_id: UserArgument, timeout: TimeoutOption = 30.0, as_json: JsonOption = False) -> None:
    """Print everything that is kept of a user, as JSON."""
    from cli.user.requests import print_export

    print_export(user_id, timeout, as_json)


@app.command()
def reset(user_id: UserArgument, timeout: TimeoutOption = 30.0, as_json: JsonOption = False) -> None:
    """Let a user start over: engaged, refused and seen items are erased."""
    from cli.user.requests import carry_out

    carry_out("reset", user_id, timeout, as_json)


@app.command()
def opt_out(user_id: UserArgument, timeout: TimeoutOption = 30.0, as_json: JsonOption = False) -> None:
    """Erase a user's profile and keep none from now on; lists then have popular and new items."""
    from cli.user.requests import carry_out

    carry_out("opt_out", user_id, timeout, as_json)


@app.command()
def opt_in(user_id: UserArgument, timeout: TimeoutOption = 30.0, as_json: JsonOption = False) -> None:
    """Keep a profile of a user again, from now on."""
    from cli.user.requests import carry_out

    carry_out("opt_in", user_id, timeout, as_json)


@app.command()
def prefer(
    user_id: UserArgument,
    dials: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=WEIGHT...",
            help="A category, an item's id or its owner's, with a weight: 1 most, -1 never, 0 removes the dial.",
        ),
    ],
    timeout: TimeoutOption = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Set a user's own dials, for what to show more of, less of, or never; other dials stay."""
    from cli.user.dials import read_dials

    weights = read_dials(dials)
    from cli.user.requests import carry_out

    carry_out("prefer", user_id, timeout, as_json, weights)
