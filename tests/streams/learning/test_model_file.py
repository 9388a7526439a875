import socket
import time
from pathlib import Path

import pytest

from inference.errors import ModelRefused
from streams.learning.model_file import ModelFile
from streams.objects.errors import ObjectMissing, ObjectsUnavailable


@pytest.fixture(params=["path", "url"])
def file(tmp_path: Path, request: pytest.FixtureRequest) -> ModelFile:
    path = tmp_path / "of models, ü" / "factors.1"
    return ModelFile(str(path) if request.param == "path" else path.as_uri())


async def test_what_is_written_is_read(file: ModelFile) -> None:
    file.write(b"one")
    found = await file.read(3)

    assert found is not None
    assert found[0] == b"one"
    assert await file.read(3, found[1]) is None


async def test_another_file_has_another_version(file: ModelFile) -> None:
    file.write(b"one")
    before = await file.read(9)
    file.write(b"two")
    after = await file.read(9, before[1] if before else None)

    assert after is not None
    assert after[0] == b"two"


def test_writing_leaves_nothing_but_the_file(file: ModelFile, tmp_path: Path) -> None:
    file.write(b"one")
    file.write(b"two")

    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [b"two"]


def test_a_path_from_here_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ModelFile("factors").write(b"one")

    assert (tmp_path / "factors").read_bytes() == b"one"


def test_a_path_that_leads_up_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    ModelFile("../factors").write(b"one")

    assert (tmp_path / "factors").read_bytes() == b"one"


async def test_a_store_that_does_not_answer_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    for name, value in {
        "ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "ALLOW_HTTP": "true",
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
        "REGION": "r",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    began = time.monotonic()
    with pytest.raises(ObjectsUnavailable, match="too slow, or away"):
        await ModelFile("s3://models/factors", answer_s=0.2).read(9)
    silent.close()

    assert time.monotonic() - began < 5


async def test_a_file_that_is_not_there_is_missing(file: ModelFile, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing, match=r"there is no file .*factors\.1"):
        await file.read(9)
    with pytest.raises(ObjectMissing):
        await ModelFile(str(tmp_path)).read(9)


async def test_a_file_that_is_too_large_is_refused(file: ModelFile) -> None:
    file.write(b"four")
    with pytest.raises(ModelRefused, match="has 4 bytes, more than 3"):
        await file.read(3)


def test_a_store_that_cannot_be_there_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_ACCOUNT_NAME", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ObjectsUnavailable, match=r"^az://models/factors cannot be opened: .*[Aa]ccount[^\n]*$"):
        ModelFile("az://models/factors")


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ObjectsUnavailable, match="cannot be written"):
        ModelFile(str(tmp_path / "file" / "factors")).write(b"one")
