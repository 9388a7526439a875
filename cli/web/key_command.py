"""The command `sightline web-key`."""

import secrets
from typing import Annotated

import typer

from cli.output import JsonOption, print_json, progress, results
from streams.web_door.keys import KEY_SCOPES, WebKey, key_hash, read_key_name

#: Begins each key, so that people and secret scanners recognise one.
_PREFIX = "sightline_"


def web_key(
    name: Annotated[str, typer.Argument(help="Who is to have the key, such as the name of an app.")],
    scope: Annotated[
        list[str], typer.Option(help=f"What the key is for: {', '.join(KEY_SCOPES)}; may be given several times.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Make a key for the web door; it is printed once and kept nowhere, and the settings get only its hash."""
    try:
        read_key_name(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from None
    if unknown := [each for each in scope if each not in KEY_SCOPES]:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(KEY_SCOPES)}", param_hint="--scope")
    key = _PREFIX + secrets.token_urlsafe(32)
    scopes = frozenset(each for each in KEY_SCOPES if each in scope)
    entry = WebKey(name, scopes, key_hash(key)).entry()
    if as_json:
        print_json({"key": key, "entry": entry})
        return
    progress("the key, which is not shown again: send it as `Authorization: Bearer KEY`")
    results().print(key, soft_wrap=True, markup=False, highlight=False)
    progress("its entry in SIGHTLINE_WEB_KEYS, after a comma where there are others:")
    results().print(entry, soft_wrap=True, markup=False, highlight=False)
