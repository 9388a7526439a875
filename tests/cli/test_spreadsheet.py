"""CSV files that spreadsheets show as text, and programs read back."""

import ast
import csv
from pathlib import Path

import pytest

from cli.spreadsheet import MARK, marked, write_csv
from tests.harness.paths import ROOT

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1", "''", '=HYPERLINK("http://x";"y")']


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_begins_a_formula(text: str) -> None:
    assert marked(text) == MARK + text


@pytest.mark.parametrize("text", ["", "i7", "a=1", "1-2", " =1", "日本"])
def test_other_texts_stay(text: str) -> None:
    assert marked(text) == text


def test_a_program_reads_every_text_back(tmp_path: Path) -> None:
    path, texts = tmp_path / "table.csv", [*HOSTILE, "", "i7", 'a "b", c\n=d']
    write_csv(path, ("id", "change"), [(text, -0.5) for text in texts])
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert [cell.removeprefix(MARK) for cell, _ in rows[1:]] == texts
    assert {change for _, change in rows[1:]} == {"-0.5"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_begins_a_formula_whatever_separates_lists_there(tmp_path: Path, separator: str) -> None:
    path, text = tmp_path / "table.csv", f"i7{separator}=1+1"
    write_csv(path, ("id", "parts"), [(text, 3)])
    with path.open(newline="", encoding="utf-8") as file:
        _, row = csv.reader(file, delimiter=separator)
    assert row[0].startswith(text)
    assert not any(cell.startswith("=") for cell in row)


def test_nothing_else_writes_csv() -> None:
    written = [
        path.relative_to(ROOT).as_posix()
        for room in ("cli", "benchmarks", "deploy", "web", "streams", "inference", "features", "state", "client")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("writer", "DictWriter")
        if isinstance(node.value, ast.Name) and node.value.id == "csv"
    ]
    assert written == ["cli/spreadsheet.py"]
