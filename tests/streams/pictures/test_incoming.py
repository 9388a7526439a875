import os
import time
from hashlib import sha256
from pathlib import Path

import pytest

from streams.objects.errors import ObjectsUnavailable
from streams.pictures.incoming import KEPT_S, Incoming
from streams.uploads.object_store import Objects
from streams.wire.namespace import Namespace

NOW_S = time.time()


def incoming(folder: Path, clock_s: float = NOW_S) -> Incoming:
    return Incoming(folder.as_uri(), Namespace("shop."), clock_s=lambda: clock_s)


async def test_a_file_lies_under_its_hash_where_the_uploads_worker_reads_it(tmp_path: Path) -> None:
    key = await incoming(tmp_path).write(b"picture")
    assert key == f"shop.incoming/{sha256(b'picture').hexdigest()}"
    assert await incoming(tmp_path).write(b"picture") == key
    assert await Objects(tmp_path.as_uri()).read(key) == b"picture"


async def test_what_no_event_can_name_any_more_is_removed_and_nothing_else(tmp_path: Path) -> None:
    store = incoming(tmp_path)
    old, new = await store.write(b"old"), await store.write(b"new")
    (tmp_path / "shop").mkdir()
    others = [tmp_path / "shop" / "shoe.jpg", tmp_path / "incoming"]
    for path in (*others, tmp_path / old):
        path.touch()
        os.utime(path, (NOW_S - KEPT_S - 60,) * 2)
    os.utime(tmp_path / new, (NOW_S - KEPT_S + 60,) * 2)
    await store.look()
    assert [path.exists() for path in (tmp_path / old, tmp_path / new, *others)] == [False, True, True, True]
    await store.look()


async def test_before_the_first_upload_there_is_nothing_to_remove(tmp_path: Path) -> None:
    await incoming(tmp_path).look()


async def test_a_store_that_takes_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(ObjectsUnavailable, match="cannot be opened"):
        await incoming(tmp_path / "missing").write(b"picture")


def test_files_are_kept_as_long_as_an_event_and_then_its_dead_letter() -> None:
    assert KEPT_S == 21 * 86_400
