"""The command `sightline whatif`."""

from typing import Annotated

import typer

from cli.dead_letters.age import parse_age
from cli.output import JsonOption


def whatif(
    since: Annotated[str, typer.Option(help="Replay the events of this time, such as 30m, 1h or 7d.")] = "1h",
    ranker: Annotated[
        str | None,
        typer.Option(
            help="The other version's ranker: `hand`, or a file of `train ranker --out`; else the served one."
        ),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the other version, as SIGHTLINE_LINK_WINDOW=10; may be repeated."),
    ] = None,
    served: Annotated[
        str | None, typer.Option(help="Compare with this ranker in place of the served one: `hand`, or a file.")
    ] = None,
    history: Annotated[str, typer.Option(help="Events of this time before are learned first, without lists.")] = "1d",
    lists: Annotated[int, typer.Option(min=1, help="Lists of each version at most, drawn at random.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Decides which lists are made, and the intervals.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Replay the deployment's last events through another ranker or other settings, beside what serves it now."""
    pairs = [word.partition("=") for word in change or ()]
    if ranker is None and not pairs:
        raise typer.BadParameter("give the other version by --ranker or --set", param_hint="--ranker")
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise typer.BadParameter(f"{wrong[0]!r} is no setting with a value, such as SIGHTLINE_LINK_WINDOW=10")
    since_ms, history_ms = parse_age(since), parse_age(history)
    if since_ms == 0:
        raise typer.BadParameter("--since must be more than nothing, such as 1h")
    from cli.operate.whatif import compare

    changed = {name: value for name, _, value in pairs}
    compare(since_ms, history_ms, served, ranker, changed, most=lists, seed=seed, as_json=as_json)
