"""What `sightline train encoder --from-catalogue` learns from: the kept pictures of a running catalogue."""

import time

import msgspec
import pytest

from benchmarks.world.pictures import CATEGORIES, DrawnItem, draw_catalogue
from cli.train.pictures import catalogue_album, unlabelled_pictures
from features.item import Item
from state.codec import decode_item
from streams.wire.events import Upload
from tests.e2e.conftest import System, eventually, variables_of

pytestmark = pytest.mark.stack


def test_kept_pictures_are_read_with_their_categories_and_those_that_are_away_are_left_out(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.start("uploads", "items")
    drawn = [*draw_catalogue(7 * len(CATEGORIES), seed=1)]
    for each in drawn:
        upload(system, each)
    eventually(lambda: len(kept_keys(system)) == len(drawn), "all items name their pictures")
    folder = system.settings.home.resolve()
    eventually(lambda: all((folder / key).exists() for key in kept_keys(system).values()), "all pictures are there")
    for name, value in variables_of(system).items():
        monkeypatch.setenv(f"SIGHTLINE_{name.upper()}", value)

    album = catalogue_album()
    assert {label: album.labels.count(label) for label in CATEGORIES} == dict.fromkeys(CATEGORIES, 7)
    assert album.pixels.shape == (len(drawn), 224, 224, 3)

    keys = kept_keys(system)
    for each in drawn[: 2 * len(CATEGORIES) : len(CATEGORIES)]:  # two of the first category, of which five are left
        (folder / keys[each.item_id]).unlink()
    (folder / keys[drawn[1].item_id]).write_bytes(b"no picture")
    album = catalogue_album()
    assert set(album.labels) == set(CATEGORIES[1:])
    assert album.labels.count(CATEGORIES[1]) == 6
    assert len(unlabelled_pictures(None, seed=0)) == len(drawn) - 3
    assert len(unlabelled_pictures(None, seed=0, at_most=4)) == 4


def upload(system: System, item: DrawnItem) -> None:
    name, now = item.item_id, time.time_ns() // 1_000_000
    event = Upload(
        event_id=name, item_id=name, user_id="seller", occurred_at_ms=now, image=item.jpeg, category=item.category
    )
    producer = system.producer()
    producer.produce(system.topic("events.uploads"), msgspec.json.encode(event), name)
    producer.flush()


def kept_keys(system: System) -> dict[str, str]:
    """The key of the picture of each item in the catalogue."""
    items = (decode_item(record.value) for record in system.read("state.catalog") if record.value is not None)
    return {item.item_id: item.kept_picture.key for item in items if isinstance(item, Item) and item.kept_picture}
