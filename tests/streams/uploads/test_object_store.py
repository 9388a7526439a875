import os
from pathlib import Path

import pytest

from features.vision.formats import MAX_BYTES
from streams.errors import InvalidEvent
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.uploads.object_store import Objects


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    (tmp_path / "bucket" / "shop" / "2024").mkdir(parents=True)
    (tmp_path / "bucket" / "shop" / "2024" / "red shoe.jpg").write_bytes(b"\xff\xd8picture")
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "bucket"


@pytest.fixture
def objects(bucket: Path) -> Objects:
    return Objects(bucket.as_uri())


async def test_an_object_is_read_by_its_key(objects: Objects) -> None:
    assert await objects.read("shop/2024/red shoe.jpg") == b"\xff\xd8picture"


async def test_an_empty_object_is_empty(objects: Objects, bucket: Path) -> None:
    (bucket / "empty").touch()

    assert await objects.read("empty") == b""


@pytest.mark.parametrize(
    "key",
    [
        "../secret",
        "shop/../../secret",
        "shop/..",
        "./shop",
        "/etc/passwd",
        "shop//x",
        "shop/",
        "",
        "a\\..\\secret",
        "shop/%2e%2e/%2e%2e/secret",
        "file:///etc/passwd",
        "s3://other/key",
        "shop/x\n",
        "shop/x\0",
        "~/x",
    ],
)
async def test_a_key_that_is_not_plain_is_invalid(objects: Objects, key: str) -> None:
    with pytest.raises(InvalidEvent, match="not a plain key") as caught:
        await objects.read(key)
    assert caught.value.reason == "bad_object_key"


async def test_an_object_that_is_not_there_is_missing(objects: Objects) -> None:
    with pytest.raises(ObjectMissing, match="no object 'shop/none"):
        await objects.read("shop/none.jpg")


async def test_a_folder_is_no_object(objects: Objects) -> None:
    with pytest.raises(ObjectMissing):
        await objects.read("shop")


async def test_an_object_that_is_too_large_is_not_read(objects: Objects, bucket: Path) -> None:
    with (bucket / "large").open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    with pytest.raises(InvalidEvent, match=f"has {MAX_BYTES + 1} bytes, more than {MAX_BYTES}") as caught:
        await objects.read("large")
    assert caught.value.reason == "bad_image"


async def test_a_store_that_fails_is_unavailable(objects: Objects) -> None:
    # No file system takes a name of so many bytes.
    with pytest.raises(ObjectsUnavailable, match="the object store does not give"):
        await objects.read("x" * 1000)


async def test_without_a_store_a_reference_is_invalid() -> None:
    with pytest.raises(InvalidEvent, match="SIGHTLINE_OBJECT_STORE") as caught:
        await Objects(None).read("shop/x.jpg")
    assert caught.value.reason == "no_object_store"


@pytest.mark.parametrize("link", ["secret", "shop/secret", "up/secret"])
async def test_a_link_that_leads_out_of_the_store_is_not_followed(objects: Objects, bucket: Path, link: str) -> None:
    (bucket / "secret").symlink_to(bucket.parent / "secret")
    (bucket / "shop" / "secret").symlink_to("../../secret")
    (bucket / "up").symlink_to("..")

    with pytest.raises(InvalidEvent, match="leads out of the object store") as caught:
        await objects.read(link)
    assert caught.value.reason == "bad_object_key"


async def test_a_link_within_the_store_is_followed(objects: Objects, bucket: Path) -> None:
    (bucket / "newest.jpg").symlink_to("shop/2024/red shoe.jpg")

    assert await objects.read("newest.jpg") == b"\xff\xd8picture"


async def test_a_store_behind_a_link_is_read(bucket: Path) -> None:
    (bucket.parent / "current").symlink_to("bucket")

    assert await Objects((bucket.parent / "current").as_uri()).read("shop/2024/red shoe.jpg") == b"\xff\xd8picture"


async def test_a_pipe_is_not_waited_for(objects: Objects, bucket: Path) -> None:
    os.mkfifo(bucket / "pipe")

    with pytest.raises(InvalidEvent, match="not a file"):
        await objects.read("pipe")


def test_a_store_that_cannot_be_there_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_ACCOUNT_NAME", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ObjectsUnavailable, match=r"^az://shop cannot be opened: .*[Aa]ccount[^\n]*$"):
        Objects("az://shop")
