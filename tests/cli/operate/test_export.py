import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from inference.encoders import export as encoders
from inference.words import export as words


def test_export_model_prints_the_folders_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The graphs themselves, which take most of a minute, are those of tests/inference/**/test_export.py.
    for module in (encoders, words):
        monkeypatch.setattr(module, "write_onnx", lambda _, path: path.write_bytes(b"a graph"))
    result = CliRunner().invoke(app, ["export-model", "--repository", str(tmp_path), "--safety", "--text", "--json"])

    assert result.exit_code == 0
    printed = json.loads(result.stdout.splitlines()[-1])
    folders = [tmp_path / "visual_encoder", tmp_path / "words_encoder"]
    assert [printed["model"], printed["words"]] == [*map(str, folders)]
    gate = {name: tmp_path / name for name in ("safety", "text")}
    assert printed["gate"] == {name: str(folder) for name, folder in gate.items()}
    assert all((folder / "config.pbtxt").exists() for folder in (*folders, *gate.values()))


def test_an_unknown_platform_is_a_usage_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export-model", "--repository", str(tmp_path), "--platform", "tpu"])

    assert result.exit_code == 2
    assert "cpu" in result.stderr
