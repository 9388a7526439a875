import asyncio
import os
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from threading import Event

import obstore
import pytest

from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.pictures.store import PictureStore
from streams.wire.namespace import Namespace

SHA = "ab" * 32
KEY, PREVIEW = f"t.pictures/ab/{SHA}.webp", f"t.pictures/ab/{SHA}.320.webp"


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return PictureStore((tmp_path / "new" / "home").as_uri(), Namespace("t."))


async def test_a_picture_is_read_as_it_was_written_and_a_missing_folder_is_made(
    store: PictureStore, tmp_path: Path
) -> None:
    await store.write(KEY, b"first")
    await store.write(KEY, b"again")
    assert await store.read(KEY) == b"again"
    assert [each.name for each in (tmp_path / "new" / "home").rglob("*.webp")] == [f"{SHA}.webp"]


async def test_a_file_that_is_too_large_to_be_a_kept_picture_is_none_and_is_not_read(
    store: PictureStore, tmp_path: Path
) -> None:
    await store.write(KEY, b"1")
    with (tmp_path / "new" / "home" / KEY).open("wb") as file:
        file.truncate(1 << 40)  # a terabyte, of which the disk holds nothing
    with pytest.raises(ObjectMissing, match=r"no picture .*: what is there has 1099511627776 bytes"):
        await store.read(KEY)


async def test_all_files_of_this_app_are_listed_and_nothing_else(store: PictureStore, tmp_path: Path) -> None:
    await store.write(KEY, b"123")
    await store.write(PREVIEW, b"1")
    await PictureStore(store.url, Namespace("u.")).write(KEY.replace("t.", "u."), b"of another app")
    (tmp_path / "new" / "home" / "t.pictures" / "notes.txt").write_text("of an operator")
    found = {each.key: (each.sha256, each.bytes) async for each in store.files()}
    assert found == {KEY: (SHA, 3), PREVIEW: (SHA, 1)}


@pytest.mark.parametrize("name", [b"a\nb", b"\xff.webp", b"a\x01b"])
async def test_a_file_of_others_with_a_strange_name_is_passed_over(
    store: PictureStore, tmp_path: Path, name: bytes
) -> None:
    await store.write(KEY, b"123")
    home = tmp_path / "new" / "home"
    for place in ("t.pictures", "t.pictures/ab"):
        (home / place / os.fsdecode(name)).touch()
    (home / "t.pictures" / "\n").mkdir()
    (home / "t.pictures" / "cd").symlink_to("nowhere")
    os.mkfifo(home / KEY.replace(".webp", ".320.webp"))
    assert [each.key async for each in store.files()] == [KEY]


async def test_what_an_interrupted_write_left_is_removed_when_it_is_old(store: PictureStore, tmp_path: Path) -> None:
    await store.write(KEY, b"123")
    home = tmp_path / "new" / "home"
    names = (f"{KEY}#1", f"{PREVIEW}#12", f"{KEY}#2", f"{KEY}#x", "t.pictures/ab/notes#1")
    for name in names:
        (home / name).write_bytes(b"1")
        os.utime(home / name, (1000, 1000))
    os.utime(home / names[2], (2000, 2000))
    await store.remove_interrupted(before_s=1500)
    left = {str(each.relative_to(home)) for each in home.rglob("*") if each.is_file()}
    assert left == {KEY, *names[2:]}


async def test_an_empty_store_has_no_files(store: PictureStore) -> None:
    assert [each async for each in store.files()] == []


async def test_a_removed_picture_is_gone_and_may_be_removed_again(store: PictureStore) -> None:
    await store.write(KEY, b"123")
    await store.remove(KEY)
    await store.remove(KEY)
    assert await store.written_s(KEY) is None
    with pytest.raises(ObjectMissing, match=r"no picture 't\.pictures/ab"):
        await store.read(KEY)


async def test_a_slow_removal_is_waited_for_so_that_none_is_removed_later(
    store: PictureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Event()
    monkeypatch.setattr(obstore, "delete", lambda *_: answered.wait())
    monkeypatch.setattr(asyncio, "timeout", lambda within_s: asyncio.Timeout(within_s and 0))
    removing = asyncio.create_task(store.remove(KEY))
    done, _ = await asyncio.wait([removing], timeout=0.1)
    answered.set()
    await removing
    assert not done


@pytest.mark.parametrize(
    "key", ["../secret", "t.pictures/../secret", "/etc/passwd", KEY.replace("t.", ""), KEY.replace("t.", "u."), ""]
)
async def test_no_other_key_is_touched(store: PictureStore, key: str) -> None:
    for call in (store.write(key, b""), store.read(key), store.remove(key), store.written_s(key)):
        with pytest.raises(ValueError, match="no key of a picture of this app"):
            await call


async def test_a_store_that_is_away_is_unavailable_and_found_when_it_is_back(
    store: PictureStore, tmp_path: Path
) -> None:
    (tmp_path / "new").write_text("in the way")
    for call in (store.write(KEY, b"1"), store.read(KEY), store.remove(KEY), store.written_s(KEY)):
        with pytest.raises(ObjectsUnavailable, match="the store of pictures file:///"):
            await call
    with pytest.raises(ObjectsUnavailable, match="does not list"):
        [each async for each in store.files()]
    (tmp_path / "new").unlink()
    await store.write(KEY, b"1")
    assert await store.read(KEY) == b"1"


async def test_a_store_that_is_full_is_unavailable_and_holds_no_half_of_a_file(store: PictureStore) -> None:
    await store.write(PREVIEW, b"1")
    limits = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(ObjectsUnavailable, match="does not take"):
            await store.write(KEY, bytes(2000))
    finally:
        setrlimit(RLIMIT_FSIZE, limits)
    assert [each.key async for each in store.files()] == [PREVIEW]


async def test_writing_again_makes_a_file_new(store: PictureStore, tmp_path: Path) -> None:
    await store.write(KEY, b"1")
    os.utime(tmp_path / "new" / "home" / KEY, (1000, 1000))
    assert await store.written_s(KEY) == 1000
    await store.write(KEY, b"1")
    assert (await store.written_s(KEY) or 0) > 1_000_000
