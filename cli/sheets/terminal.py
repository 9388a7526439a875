"""Pictures in terminals that can show them: kitty's graphics protocol, and iTerm2's inline images."""

import os
from base64 import standard_b64encode
from collections.abc import Mapping
from typing import Final, Literal

Protocol = Literal["kitty", "iterm2"]
#: Bytes of base64 in one escape sequence of kitty's protocol, at most.
_CHUNK: Final = 4096


def protocol_of(environment: Mapping[str, str] = os.environ) -> Protocol | None:
    """The protocol that this terminal is known to speak, by its environment; None for any other."""
    if "KITTY_WINDOW_ID" in environment or environment.get("TERM_PROGRAM") == "ghostty":
        return "kitty"
    return "iterm2" if environment.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm") else None


def escape(png: bytes, protocol: Protocol) -> str:
    """The escape sequences that show a PNG file.

    https://sw.kovidgoyal.net/kitty/graphics-protocol and https://iterm2.com/documentation-images.html.
    """
    data = standard_b64encode(png).decode()
    if protocol == "iterm2":
        return f"\x1b]1337;File=inline=1;size={len(png)}:{data}\a\n"
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    last = len(chunks) - 1
    return (
        "".join(
            f"\x1b_G{'a=T,f=100,' if number == 0 else ''}m={int(number < last)};{chunk}\x1b\\"
            for number, chunk in enumerate(chunks)
        )
        + "\n"
    )
