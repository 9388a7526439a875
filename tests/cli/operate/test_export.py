import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from benchmarks.world import calibration
from cli.main import app
from inference.encoders import export as encoders
from inference.encoders.int8 import FEWEST
from inference.errors import ExportError
from inference.words import export as words
from tests.inference.encoders.test_tower import tower


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


def test_the_encoder_of_the_vectors_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "write_onnx", lambda _, path: path.write_bytes(b"a graph"))
    said = CliRunner().invoke(app, ["export-model", "--no-words", "--repository", str(tmp_path)]).stdout
    assert "its vectors are of efficientnet-lite0@2\n" in said


def test_an_unknown_platform_is_a_usage_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export-model", "--repository", str(tmp_path), "--platform", "tpu"])

    assert result.exit_code == 2
    assert "cpu" in result.stderr


def exported(*words: str) -> Result:
    return CliRunner().invoke(app, ["export-model", "--no-words", *words])


@pytest.mark.parametrize("good", [0, 1])
def test_a_folder_without_enough_pictures_calibrates_nothing(tmp_path: Path, good: int) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    for number in range(good):
        Image.new("RGB", (8, 8)).save(folder / f"{number}.png")
    refused = exported("--repository", str(tmp_path / "models"), "--int8", "--calibrate", str(folder))

    assert isinstance(refused.exception, ExportError)
    assert ("no pictures that can be read", "1 different pictures are too few")[good] in str(refused.exception)
    assert not (tmp_path / "models").exists()


def test_only_int8_is_calibrated(tmp_path: Path) -> None:
    refused = exported("--repository", str(tmp_path / "models"), "--calibrate", str(tmp_path))

    assert (refused.exit_code, "only --int8 is calibrated" in refused.stderr) == (2, True)


def test_drawn_pictures_calibrate_where_none_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "write_onnx", lambda _, path: path.write_bytes(b"a graph"))
    # All take ten seconds to draw.
    monkeypatch.setattr(calibration, "CALIBRATED_ON", FEWEST)
    seen = list[int]()
    monkeypatch.setattr(encoders, "quantise", lambda _, pictures, **__: seen.append(len(pictures)))
    names = [
        json.loads(exported("--repository", str(tmp_path), "--int8", "--json").stdout.splitlines()[-1])["encoder"]
        for _ in range(2)
    ]

    assert seen == [FEWEST, FEWEST]
    assert names[0] == names[1]
    assert names[0].startswith("efficientnet-lite0-int8-")


def test_a_tower_is_exported_under_a_name_and_a_version_of_its_own(tmp_path: Path) -> None:
    path = tower(tmp_path / "a.onnx", ["N", 3, "H", "W"])
    said = ("--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5", "--side", "96", "--output", "features")
    made = exported("--repository", str(tmp_path / "models"), "--tower", str(path), *said, "--json")
    printed = json.loads(made.stdout.splitlines()[-1])

    assert Path(printed["model"], "2", "model.onnx").exists()
    assert printed["encoder"].startswith("a-")
    assert printed["architecture"] == "a.onnx"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--side", "224"), "say something of a --tower"),
        (("--tower", "TOWER", "--int8"), "takes no --architecture"),
        (("--tower", "TOWER", "--mean", "red"), "could not convert"),
        (("--tower", "TOWER", "--std", "1,0,1"), "divides by nothing"),
        (("--tower", "TOWER", "--side", "0"), "greater than or equal to 1"),
    ],
)
def test_what_does_not_fit_a_tower_is_refused(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    path = tower(tmp_path / "a.onnx")
    refused = exported("--repository", str(tmp_path), *(str(path) if word == "TOWER" else word for word in words))

    assert refused.exit_code != 0
    assert why in " ".join(f"{refused.stderr} {refused.exception}".replace("│", " ").split())
