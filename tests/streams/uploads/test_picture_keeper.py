"""Uploads whose pictures are kept in a folder, through the agent."""

import asyncio
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from features.vision.kept_picture import Keep
from streams.objects.errors import ObjectsUnavailable
from streams.pictures.store import PictureStore
from streams.pictures.sweep import FRESH_S
from streams.uploads.picture_keeper import ATTEMPTS, PictureKeeper
from streams.wire.namespace import Namespace
from tests.harness.fakes import until
from tests.harness.uploads import BLUE, Studio, query, record, shirt, upload


class CountingStore(PictureStore):
    """Counts writes; away for as many of them as `away` says, or until it is told otherwise; waits while `held`."""

    def __init__(self, home: Path) -> None:
        super().__init__(home.as_uri(), Namespace())
        self.writes: list[str] = []
        self.away = 0.0
        self.held = False

    async def write(self, key: str, data: bytes) -> None:
        self.writes.append(key)
        await until(lambda: not self.held)
        if self.away:
            self.away -= 1
            raise ObjectsUnavailable("No space left on device")
        await super().write(key, data)


class Gallery(Studio):
    """A studio that keeps its pictures."""

    def __init__(self, home: Path, keep: Keep = "full") -> None:
        self.store = CountingStore(home)
        self.now_s = 0.0
        self.keeper = PictureKeeper(self.store, keep, clock_s=lambda: self.now_s)
        super().__init__(keeper=self.keeper)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path)


def large(colour: tuple[int, int, int] = BLUE) -> bytes:
    buffer = BytesIO()
    Image.open(BytesIO(shirt(colour))).resize((800, 600)).save(buffer, "PNG")
    return buffer.getvalue()


def size(data: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(data)).size


async def test_an_item_names_its_picture_which_is_there_with_a_preview(gallery: Gallery) -> None:
    data = large()
    await gallery.handle([record(0, upload("i1", data))])
    (item,) = gallery.items()
    kept, hashed = item.kept_picture, sha256(data).hexdigest()
    assert kept is not None
    assert (kept.key, kept.preview) == (
        f"pictures/{hashed[:2]}/{hashed}.webp",
        f"pictures/{hashed[:2]}/{hashed}.320.webp",
    )
    assert (kept.width, kept.height, kept.sha256) == (800, 600, hashed)
    full, preview = await gallery.store.read(kept.key), await gallery.store.read(kept.preview)
    assert (len(full), size(full), size(preview)) == (kept.bytes, (800, 600), (320, 240))


async def test_a_small_picture_is_kept_once(gallery: Gallery) -> None:
    await gallery.handle([record(0, upload("i1"))])
    (item,) = gallery.items()
    assert item.kept_picture is not None
    assert item.kept_picture.key == item.kept_picture.preview
    assert gallery.store.writes == [item.kept_picture.key]


async def test_only_a_preview_is_kept_if_no_more_is_asked_for(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path, "preview")
    await gallery.handle([record(0, upload("i1", large()))])
    (item,) = gallery.items()
    assert item.kept_picture is not None
    assert item.kept_picture.key == item.kept_picture.preview
    assert (item.kept_picture.width, item.kept_picture.height) == (320, 240)


async def test_nothing_is_kept_without_a_keeper() -> None:
    studio = Studio()
    await studio.handle([record(0, upload("i1"))])
    (item,) = studio.items()
    assert item.kept_picture is None


async def test_the_picture_of_a_query_is_not_kept(gallery: Gallery) -> None:
    await gallery.handle([query(shirt(BLUE))])
    assert (gallery.store.writes, len(gallery.publisher.lists())) == ([], 1)


async def test_a_refused_picture_is_not_kept(gallery: Gallery) -> None:
    await gallery.handle([record(0, upload("i1", b"not a picture"))])
    assert (gallery.store.writes, gallery.reasons()) == ([], ["bad_image"])


async def test_the_picture_of_a_query_that_becomes_an_item_is_kept(gallery: Gallery) -> None:
    await gallery.handle([query(shirt(BLUE))])
    await gallery.handle([record(0, upload("i1", shirt(BLUE)))])
    assert len(gallery.store.writes) == 1


async def test_the_same_picture_twice_is_decoded_and_written_once(gallery: Gallery) -> None:
    await gallery.handle([record(0, upload("i1")), record(1, upload("i2"))])
    await gallery.handle([record(2, upload("i3"))])
    first, *others = [item.kept_picture for item in gallery.items()]
    assert others == [first, first]
    assert (len(gallery.store.writes), gallery.decoded) == (1, 1)


async def test_a_picture_that_was_written_long_ago_is_written_again_before_a_sweep_may_remove_it(
    gallery: Gallery,
) -> None:
    await gallery.handle([record(0, upload("i1"))])
    gallery.now_s = FRESH_S - 1
    await gallery.handle([record(1, upload("i2"))])
    assert len(gallery.store.writes) == 1
    gallery.now_s = FRESH_S
    await gallery.handle([record(2, upload("i3"))])
    assert (len(gallery.store.writes), gallery.encoder.calls) == (2, 1)


async def test_a_store_that_is_away_for_a_moment_is_asked_again(gallery: Gallery) -> None:
    gallery.store.away = 2
    await gallery.handle([record(0, upload("i1"))])
    (item,) = gallery.items()
    assert item.kept_picture is not None
    assert await gallery.store.read(item.kept_picture.key)
    assert (len(gallery.store.writes), gallery.reasons()) == (3, [])


async def test_items_do_not_wait_for_a_store_but_the_end_of_their_batch_does(gallery: Gallery) -> None:
    gallery.store.held = True
    answers = await gallery.agent.answer([record(0, upload("i1"))])
    await gallery.agent.publish(answers)
    assert [item.item_id for item in gallery.items()] == ["i1"]
    finishing = asyncio.create_task(gallery.agent.finish(answers))
    await asyncio.sleep(0.05)
    assert not finishing.done()
    gallery.store.held = False
    await finishing
    assert gallery.reasons() == []


async def test_a_picture_that_the_store_does_not_take_is_a_dead_letter_and_kept_when_that_is_sent_again(
    gallery: Gallery,
) -> None:
    gallery.store.away = float("inf")
    await gallery.handle([record(0, upload("i1"))])
    assert (len(gallery.items()), gallery.reasons()) == (1, ["picture_not_kept"])
    (letter,) = gallery.publisher.dead_letters()
    assert (letter.error, letter.value) == ("No space left on device", record(0, upload("i1")).value)
    assert len(gallery.store.writes) == ATTEMPTS
    gallery.store.away = 0
    await gallery.handle([record(1, upload("i1"))])
    first, second = gallery.items()
    assert first.kept_picture == second.kept_picture
    assert second.kept_picture is not None
    assert await gallery.store.read(second.kept_picture.key)
    assert gallery.reasons() == ["picture_not_kept"]


async def test_a_worker_that_ends_meanwhile_has_not_finished_the_upload(gallery: Gallery) -> None:
    gallery.store.held = True
    answers = await gallery.agent.answer([record(0, upload("i1"))])
    await gallery.agent.publish(answers)
    finishing = asyncio.create_task(gallery.agent.finish(answers))
    await until(lambda: bool(gallery.store.writes))
    await gallery.keeper.close()
    with pytest.raises(asyncio.CancelledError):
        await finishing
