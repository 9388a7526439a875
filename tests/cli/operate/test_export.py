import json
from pathlib import Path

from typer.testing import CliRunner

from cli.main import app


def test_export_model_prints_the_folder_it_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export-model", "--repository", str(tmp_path), "--json"])

    assert result.exit_code == 0
    printed = json.loads(result.stdout.splitlines()[-1])
    assert printed["model"] == str(tmp_path / "visual_encoder")
    assert (tmp_path / "visual_encoder" / "config.pbtxt").exists()


def test_an_unknown_platform_is_a_usage_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export-model", "--repository", str(tmp_path), "--platform", "tpu"])

    assert result.exit_code == 2
    assert "cpu" in result.stderr
