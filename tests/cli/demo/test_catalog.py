import re
from pathlib import Path

from cli.demo.catalog import drawn_items
from cli.demo.run import SEED

README = Path(__file__).parents[3] / "README.md"


def test_the_item_that_the_readme_names_is_in_the_demo() -> None:
    (first,) = drawn_items(1, SEED)
    assert {*re.findall(r"\b[a-z]+-[a-z]+-[a-z]+-\d{4}\b", README.read_text())} == {first.product.item_id}
