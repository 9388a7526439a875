from base64 import b64decode

import pytest

from cli.sheets.terminal import Protocol, escape, protocol_of

PNG = bytes(range(256)) * 40


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM_PROGRAM": "Apple_Terminal"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_environment(environment: dict[str, str], protocol: Protocol | None) -> None:
    assert protocol_of(environment) == protocol


def test_kitty_gets_the_file_in_chunks() -> None:
    parts = escape(PNG, "kitty").strip().split("\x1b\\")[:-1]
    heads, chunks = zip(*(part.removeprefix("\x1b_G").split(";", 1) for part in parts), strict=True)
    assert heads == ("a=T,f=100,m=1", *["m=1"] * (len(parts) - 2), "m=0")
    assert max(map(len, chunks)) <= 4096
    assert b64decode("".join(chunks)) == PNG


def test_iterm2_gets_the_file_in_one_sequence() -> None:
    head, data = escape(PNG, "iterm2").removesuffix("\a\n").split(":")
    assert head == f"\x1b]1337;File=inline=1;size={len(PNG)}"
    assert b64decode(data) == PNG
