import pytest

from cli.dead_letters.escaping import readable, without_quotes
from features.printable import printable

SECRET = "anna@example.org"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\u202egnp.exe".encode(), "\\u202egnp.exe"),
        (b"\xc2\x9b31m", "\\x9b31m"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
    ],
)
def test_bytes_are_shown_without_anything_that_a_terminal_obeys(data: bytes, text: str) -> None:
    assert readable(data) == text


def test_a_lone_surrogate_is_shown_escaped() -> None:
    assert printable("\ud800") == "\\ud800"


@pytest.mark.parametrize(
    "error",
    [
        f"the key is b'{SECRET}' but user_id is '{SECRET}'",
        f"""the key is b"o'{SECRET}" but user_id is "o'{SECRET}\"""",
        f"Invalid enum value '{SECRET}' - at `$.type`",
        f"the key is 'it\\'s {SECRET}'",
    ],
)
def test_an_error_is_listed_without_what_it_quotes(error: str) -> None:
    assert SECRET not in without_quotes(error)
    assert without_quotes(error).startswith(error[:7])


def test_an_error_keeps_the_place_that_it_names() -> None:
    assert without_quotes("Expected `int`, got `str` - at `$.price`") == "Expected `int`, got `str` - at `$.price`"
