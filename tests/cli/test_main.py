import pytest
from typer.testing import CliRunner

from cli.main import COMMANDS, app


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0, shown.output
    assert f"sightline {name}" in shown.stdout


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0, shown.output
    assert [name for name in COMMANDS if name not in shown.stdout] == []


def test_a_command_mistyped_is_named_as_it_should_be() -> None:
    refused = CliRunner().invoke(app, ["publihs"])
    assert refused.exit_code == 2
    assert "publish" in refused.stderr
