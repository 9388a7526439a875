"""Makes the pictures of docs/images where SIGHTLINE_SCREENSHOTS is set: the page on the real thing."""

import json
import os
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.world.lookbooks import draw_lookbooks
from tests.conftest import RunningStack
from tests.harness.paths import ROOT
from tests.web.browser.conftest import ADA, BEN, Visitor, Visits
from tests.web.browser.real_door import RealDoor, real_door

IMAGES = ROOT / "docs" / "images"
pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif("SIGHTLINE_SCREENSHOTS" not in os.environ, reason="SIGHTLINE_SCREENSHOTS=1 makes the pictures"),
]


@pytest.fixture(scope="module")
def door(stack: RunningStack) -> Iterator[RealDoor]:
    with real_door(stack) as found:
        yield found


def test_the_page_as_people_see_it(door: RealDoor, visits: Visits, tmp_path: Path) -> None:
    IMAGES.mkdir(exist_ok=True)
    put_clips(door)
    visitor = visits.to(door.url, height=960)
    visitor.shop(ADA)
    choose(visitor, ADA, "chairs", 2)
    choose(visitor, ADA, "dresses", 2)
    press(visitor, ADA, "lamps", "Like")
    press(visitor, ADA, "hats", "Less")
    visitor.page.locator(".toast .icon-button").first.click()
    choose(visitor, ADA, "dresses", 1)
    keep(visitor, "page")
    visitor.page.keyboard.press("1")
    visitor.page.keyboard.press("w")
    visitor.page.locator(".sources").wait_for()
    keep(visitor, "page-why")
    visitor.page.keyboard.press("Escape")
    photo = tmp_path / "room.png"
    lamp = visitor.page.request.get(f"{door.url}/v1/items/{lamps(door)[0]}/picture?size=full")
    in_a_room(Image.open(BytesIO(lamp.body()))).save(photo)
    visitor.page.set_input_files("#photo-file", photo)
    visitor.page.locator(".shelf .tile").first.wait_for()
    visitor.page.get_by_role("button", name="Find the thing in it").click()
    visitor.page.locator(".box.drawn").wait_for()
    keep(visitor, "page-photo")
    visitor.page.fill("#words", "shoes in several colours")
    visitor.page.keyboard.press("Enter")
    visitor.page.locator(".shelf .badge.clip").first.wait_for()
    keep(visitor, "page-words")
    two(visits, door)
    phone = visits.to(door.url, width=390, height=844)
    phone.shop(ADA)
    choose(phone, ADA, "chairs", 1)
    keep(phone, "page-phone")
    operator = visits.to(door.url, height=960)
    with others(door):
        operator.page.goto(f"{door.url}/#/operations")
        operator.page.wait_for_timeout(45_000)
        keep(operator, "page-operations")


def two(visits: Visits, door: RealDoor) -> None:
    visitor = visits.to(door.url, height=960, theme="dark")
    visitor.shop(ADA, BEN)
    choose(visitor, ADA, "dresses", 1)
    choose(visitor, BEN, "shirts", 3)
    keep(visitor, "page-two")


@contextmanager
def others(door: RealDoor) -> Iterator[None]:
    """Other shoppers click meanwhile."""
    over, items = threading.Event(), door.items()

    def click() -> None:
        for number in range(100_000):
            if over.wait(0.05 + 0.04 * (number % 20 > 9)):
                return
            event = {"type": "click", "user_id": f"other-{number % 25}", "item_id": items[number * 7 % len(items)]}
            said = json.dumps({**event, "event_id": uuid.uuid4().hex, "occurred_at_ms": time.time_ns() // 1_000_000})
            headers = {"content-type": "application/json"}
            request = urllib.request.Request(f"{door.url}/v1/events", said.encode(), headers)
            urllib.request.urlopen(request, timeout=30).close()

    thread = threading.Thread(target=click)
    thread.start()
    yield
    over.set()
    thread.join()


def choose(visitor: Visitor, user: str, category: str, count: int) -> None:
    """Click what stands first of a category, or first of all, as somebody with a taste would."""
    for _ in range(count):
        wanted = [place for place, item in enumerate(visitor.items(user)) if item.startswith(category)]
        visitor.click(user, wanted[0] if wanted else 0)
        visitor.page.wait_for_timeout(700)


def press(visitor: Visitor, user: str, category: str, action: str) -> None:
    """Use an action of the first item of a category."""
    place = next(place for place, item in enumerate(visitor.items(user)) if item.startswith(category))
    tile = visitor.pane(user).locator(".list .tile").nth(place)
    tile.hover()
    visitor.press(tile.locator(f'[aria-label^="{action}"]'))
    visitor.page.wait_for_timeout(700)


def keep(visitor: Visitor, name: str) -> None:
    """Keep what is to be seen at the top of the page, with nothing under the pointer."""
    visitor.page.mouse.move(5, 5)
    visitor.page.evaluate("scrollTo(0, 0)")
    visitor.page.wait_for_timeout(900)
    shot = Image.open(BytesIO(visitor.page.screenshot()))
    shot.save(IMAGES / f"{name}.webp", quality=92, method=6)


def put_clips(door: RealDoor) -> None:
    """Put clips into the catalogue, and wait until lists can have them."""
    for clip in draw_lookbooks(6, seed=7):
        query = urllib.parse.urlencode({"title": clip.title, "category": clip.category, "user_id": "shop"})
        address, headers = f"{door.url}/v1/items/{clip.item_id}/picture?{query}", {"content-type": "video/gif"}
        urllib.request.urlopen(urllib.request.Request(address, clip.gif, headers, method="PUT"), timeout=30).close()
        last_s = time.monotonic() + 60
        while not is_searchable(door, clip.item_id):
            assert time.monotonic() < last_s, "the clip did not become searchable"
            time.sleep(0.2)


def is_searchable(door: RealDoor, item_id: str) -> bool:
    with urllib.request.urlopen(f"{door.url}/v1/items?ids={item_id}", timeout=10) as answer:
        return any(item["searchable"] for item in json.load(answer)["items"].values())


def in_a_room(product: Image.Image) -> Image.Image:
    """A product at the side of a wall and a floor, as a photo of a room has it."""
    room = Image.new("RGB", (1200, 900), (206, 196, 182))
    room.paste((150, 118, 92), (0, 640, 1200, 900))
    room.paste(product.convert("RGB").resize((420, 420)), (660, 300))
    return room


def lamps(door: RealDoor) -> list[str]:
    return [item for item in door.items() if item.startswith("lamps")]
