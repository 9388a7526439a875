"""An upload's picture lies in the store while an item names it, also after its worker was killed."""

import json
import os
import time
from base64 import b64encode
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from cli.sheets.contact_sheet import Cell
from cli.sheets.show import show_sheet
from features.item import Item
from state.codec import decode_item
from streams.pictures.sweep import GRACE_S
from tests.cli.conftest import last_json, run
from tests.e2e.conftest import System, eventually, variables_of

pytestmark = pytest.mark.stack


def test_pictures_come_with_their_items_and_go_when_no_item_names_them(system: System, tmp_path: Path) -> None:
    system.start("items")
    (uploads,) = system.start("uploads")
    for name, colour in (("i1", "red"), ("i2", "red"), ("i3", "blue")):
        upload(system, name, colour)
    eventually(lambda: len(kept_keys(system)) == 3, "three items name their pictures")
    first, second, third = (kept_keys(system)[name] for name in ("i1", "i2", "i3"))
    folder = system.settings.home.resolve()
    eventually(lambda: all((folder / key).exists() for key in (first, third)), "both pictures are there")
    assert first == second

    shown = run("items", "show", "i3", "--picture", str(tmp_path / "i3.webp"), "--json", variables=variables_of(system))
    assert last_json(shown)["kept_picture"]["key"] == third
    with Image.open(tmp_path / "i3.webp") as image:
        assert (image.format, image.size) == ("WEBP", (320, 240))
    cells = [Cell(name, name) for name in ("i3", "unknown")]
    show_sheet(system.settings, system.stack.endpoints, str(tmp_path / "sheet.png"), "two items", cells)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.getpixel((80, 280)) == pytest.approx((0, 0, 255), abs=20)

    # A worker that is killed in the middle of uploads leaves nothing undone.
    for number in range(30):
        upload(system, f"more-{number}", "green", shade=number)
    system.kill(uploads)
    system.start("uploads")
    eventually(lambda: len(kept_keys(system)) == 33, "all items name their pictures")
    eventually(lambda: all((folder / key).exists() for key in kept_keys(system).values()), "all pictures are there")

    for name in ("i1", "i3"):
        put(system, "events.items", name, {"item_id": name, "deleted": True})
    eventually(lambda: len(kept_keys(system)) == 31, "two items are deleted")
    for key in (first, third):
        os.utime(folder / key, (time.time() - GRACE_S - 60,) * 2)
    swept = run("items", "pictures", "--sweep", "--json", variables=variables_of(system))
    assert swept.returncode == 0, swept.stderr
    found = last_json(swept)
    assert (found["ok"], found["files"], found["unnamed"], found["removed"]) == (True, 32, 1, 1)
    assert ((folder / first).exists(), (folder / third).exists()) == (True, False)
    assert system.read("dead-letters") == []


def kept_keys(system: System) -> dict[str, str]:
    """The key of the picture of each item in the catalogue."""
    items: dict[bytes | None, Item | None] = {}
    for record in system.read("state.catalog"):
        items[record.key] = None if record.value is None else decode_item(record.value)
    return {item.item_id: item.kept_picture.key for item in items.values() if item and item.kept_picture}


def upload(system: System, name: str, colour: str, *, shade: int = 0) -> None:
    image = Image.new("RGB", (640, 480), colour)
    image.paste((shade * 8, 255 - shade * 8, 128), (100, 100, 300, 300))
    buffer = BytesIO()
    image.save(buffer, "JPEG")
    put(
        system,
        "events.uploads",
        name,
        {"item_id": name, "user_id": "ann", "image": b64encode(buffer.getvalue()).decode()},
    )


def put(system: System, topic: str, name: str, fields: dict[str, object]) -> None:
    event = {"event_id": f"e-{time.time_ns()}", "occurred_at_ms": time.time_ns() // 1_000_000} | fields
    producer = system.producer()
    producer.produce(system.topic(topic), json.dumps(event).encode(), name.encode())
    assert producer.flush(30) == 0
