from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from cli.items.similar import _print, show_similar
from cli.main import app
from streams.wire.events import Only


@pytest.mark.parametrize("by", ["smell", "colour=-1", "look=0"])
def test_what_cannot_be_compared_is_refused_before_anything_starts(by: str, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.new("RGB", (20, 20)).save(image)
    with pytest.raises(typer.BadParameter, match=r"does not name one of|has no weight|no weight is above 0"):
        show_similar(image, Only(), by, 5, 1.0, False)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["similar", __file__, "--min-price", "9", "--max-price", "3"], "9 is above --max-price 3"),
        (["similar", __file__, "--attribute", "brand"], "a key and a value, such as brand=Acme"),
        (["similar", __file__, "--attribute", "a=b", "--attribute", "a=c"], "name each key once"),
        (["items", "import", ".", "--attribute", "brand"], "name it with --csv"),
        (["items", "pictures", "--even-most"], "nothing is removed without --sweep"),
        (["train", "factors", "--from-kafka", "--data", str(Path(__file__).parent)], "not both"),
    ],
)
def test_words_that_contradict_each_other_are_refused_before_anything_starts(words: list[str], says: str) -> None:
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert says in " ".join(refused.output.replace("│", " ").split())


def test_an_answer_without_items_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    _print(Path("a.png"), [], False)
    printed = capsys.readouterr()
    assert (printed.out, "no item in stock is like it" in printed.err) == ("", True)
