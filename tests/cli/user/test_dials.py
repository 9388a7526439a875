import pytest
import typer

from cli.user.dials import read_dials


def test_a_dial_is_a_name_and_a_weight() -> None:
    assert read_dials(["shoes=0.5", "i9=-1", "a=b=0"]) == {"shoes": 0.5, "i9": -1.0, "a=b": 0.0}


@pytest.mark.parametrize(
    "words",
    [
        *(["shoes"], ["shoes="], ["shoes=much"], ["shoes=2"], ["shoes=nan"], ["shoes=-inf"], ["=1"]),
        ["x" * 129 + "=1"],
        [f"i{n}=1" for n in range(33)],
        [],
    ],
    ids=lambda words: " ".join(words)[:20],
)
def test_anything_else_is_refused_with_an_example(words: list[str]) -> None:
    with pytest.raises(typer.BadParameter, match=r"give a name and a weight from -1 to 1, such as shoes=0\.5"):
        read_dials(words)
