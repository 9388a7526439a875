"""What `sightline rules check` prints, and with which exit code it ends."""

import json
from pathlib import Path

import pytest
import typer

from cli.rules.check import check_rules
from inference.errors import ModelRefused
from streams.objects.errors import ObjectMissing
from tests.harness.shop_rules import file_of, rule


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings of a home where no service was ever started."""
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")


def test_rules_are_listed_and_nothing_is_counted_while_kafka_does_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rules.json"
    file.write_bytes(file_of(rule("boost", "more", weight=0.5, category="hats"), rule("exclude", "out", owner="u1")))
    check_rules(str(file), as_json=False)
    said = capsys.readouterr()

    assert [word in said.out for word in ("more", "boost +0.5", "out", "exclude", "warning")] == [True] * 4 + [False]
    assert "Kafka does not run" in said.err


def test_a_warning_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.json"
    file.write_bytes(file_of(rule("promote", "far", slots=[21], items=["i1"])))
    with pytest.raises(typer.Exit) as end:
        check_rules(str(file), as_json=True)

    assert end.value.exit_code == 1
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["warnings"] == ["far wants slot 21, and lists have 20 (SIGHTLINE_LIST_LENGTH)"]
    assert found["rules"] == [{"name": "far", "does": "promote to 21", "holds": "now", "named": None, "decides": None}]


def test_a_bad_file_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_bytes(file_of(rule("exclude", "fine", category="hats"), rule("exclude", "nothing")))

    with pytest.raises(ModelRefused, match="line 8, rule 2: names nothing"):
        check_rules(str(file), as_json=False)
    with pytest.raises(ObjectMissing, match="no file"):
        check_rules(str(tmp_path / "none"), as_json=False)
    with pytest.raises(typer.BadParameter, match="not a folder"):
        check_rules(f"{tmp_path}/", as_json=False)
    with pytest.raises(typer.BadParameter, match="SIGHTLINE_RULES"):
        check_rules(None, as_json=False)
