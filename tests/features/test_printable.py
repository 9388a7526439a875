import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.printable import SHOWN, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("café 👟", "café 👟"),
        ("[/red]<b>&", "[/red]<b>&"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\r\nb\tc\0", "a\\r\\nb\\tc\\x00"),
        ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
        ("\x9b31m", "\\x9b31m"),
        ("\ud800", "\\ud800"),
        ("a\u200bb\u2028c", "a\\u200bb\\u2028c"),
        ("", ""),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_of_a_long_text_the_beginning_is_shown_and_how_much_is_left() -> None:
    assert printable("x" * SHOWN) == "x" * SHOWN
    assert printable("x" * 10_240) == "x" * SHOWN + "… (8,240 more characters)"


@given(st.text(st.characters(), max_size=3000))
def test_any_text_is_one_printable_line_of_unicode(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert shown.isprintable()
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(shown) <= 10 * SHOWN + 40
