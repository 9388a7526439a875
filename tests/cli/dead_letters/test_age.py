import pytest
import typer

from cli.dead_letters.age import parse_age


@pytest.mark.parametrize(
    ("text", "age_ms"), [("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000), ("7d", 604_800_000)]
)
def test_an_age_has_a_unit(text: str, age_ms: int) -> None:
    assert parse_age(text) == age_ms


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2 h", "1.5h", "2y", "²h", "9" * 99 + "d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no age"):
        parse_age(text)
