"""The page on the real thing: Kafka, Redis, Triton, workers and the web door."""

import os
import uuid
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import RunningStack
from tests.web.browser.conftest import Visitor, Visits
from tests.web.browser.real_door import RealDoor, real_door

pytestmark = pytest.mark.stack

CLICKS = 12


@pytest.fixture(scope="module")
def door(stack: RunningStack) -> Iterator[RealDoor]:
    with real_door(stack) as found:
        yield found


@pytest.fixture
def visitor(door: RealDoor, visits: Visits) -> Iterator[Visitor]:
    found = visits.to(door.url)
    yield found
    assert found.errors == []


def nobody_yet() -> str:
    return f"eve-{uuid.uuid4().hex[:4]}"


def test_clicks_change_the_pictures_within_milliseconds(visitor: Visitor, capsys: pytest.CaptureFixture[str]) -> None:
    user = nobody_yet()
    visitor.shop(user)
    visitor.page.wait_for_timeout(800)
    before, took = visitor.items(user), []
    for _ in range(CLICKS):
        took.append(visitor.click(user))
        visitor.page.wait_for_timeout(500)
    assert set(visitor.items(user)) != set(before)
    reasons = visitor.pane(user).locator(".list .reason").all_inner_texts()
    assert any(each.lower().startswith(("looks like", "chosen by others", "more of")) for each in reasons)
    profile = visitor.pane(user).locator(".profile")
    visitor.eventually(lambda: f"{CLICKS} interactions" in profile.inner_text(), "the profile filled in")
    ordered = sorted(took)
    stages = visitor.page.evaluate("performance.getEntriesByType('measure').map(e => e.detail.stages)")
    middle = {
        name: sorted(part["ms"] for each in stages for part in each if part["name"] == name) for name in names(stages)
    }
    parts = ", ".join(f"{name} {all_ms[len(all_ms) // 2]:.1f}" for name, all_ms in middle.items())
    with capsys.disabled():
        print(
            f"\nclick → new pictures painted: p50 {ordered[CLICKS // 2]:.0f} ms, max {ordered[-1]:.0f} ms; "
            f"p50 of each stage: {parts}"
        )


def names(stages: list[list[dict[str, str]]]) -> list[str]:
    return list(dict.fromkeys(part["name"] for each in stages for part in each))


def test_a_hidden_item_is_gone_and_counted(visitor: Visitor) -> None:
    user = nobody_yet()
    visitor.shop(user)
    hidden = visitor.items(user)[0]
    tile = visitor.pane(user).locator(".list .tile").first
    tile.hover()
    visitor.press(tile.locator('[aria-label^="Hide"]'))
    assert hidden not in visitor.items(user)
    visitor.sees("is gone")
    visitor.eventually(lambda: "Refused (1)" in visitor.pane(user).inner_text(), "the refusal is counted")


def test_two_shoppers_do_not_mix(visitor: Visitor) -> None:
    one, other = nobody_yet(), nobody_yet()
    visitor.shop(one, other)
    before = visitor.items(other)
    visitor.click(one)
    visitor.page.wait_for_timeout(500)
    assert visitor.items(other) == before
    assert visitor.pane(other).locator(".chosen li").count() == 0


def test_words_find_items(visitor: Visitor) -> None:
    user = nobody_yet()
    visitor.shop(user)
    visitor.page.fill("#words", "a striped mug")
    visitor.page.keyboard.press("Enter")
    shelf = visitor.page.locator(".shelf .tile")
    shelf.first.wait_for()
    visitor.press(shelf.first.locator(".picture"))


def test_an_uploaded_photo_can_be_recommended_and_a_broken_one_says_why(visitor: Visitor, tmp_path: Path) -> None:
    user = nobody_yet()
    photo = tmp_path / "my_photo.jpg"
    # Larger than a question may be: the page makes it smaller.
    pixels = Image.frombytes("RGB", (1600, 1200), os.urandom(1600 * 1200 * 3))
    out = BytesIO()
    pixels.save(out, "JPEG", quality=95)
    assert len(out.getvalue()) > 1024 * 1024
    photo.write_bytes(out.getvalue())
    visitor.shop(user)
    visitor.page.set_input_files("#photo-file", photo)
    visitor.page.locator(".shelf .tile").first.wait_for()
    visitor.page.get_by_role("button", name="Upload").click()
    visitor.eventually(lambda: visitor.page.locator(".steps .done").count() == 3, "all stages are passed")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"this is no picture")
    visitor.page.set_input_files("#photo-file", broken)
    visitor.page.locator(".found-state .notice.bad").wait_for()
    visitor.page.get_by_role("button", name="Upload").click()
    visitor.sees("It was not taken: The file is no picture")


def test_a_shopper_asks_why_and_is_forgotten(visitor: Visitor) -> None:
    user = nobody_yet()
    visitor.shop(user)
    visitor.click(user)
    visitor.pane(user).locator("button.reason").first.click()
    visitor.sees("What each source of candidates says")
    visitor.page.keyboard.press("Escape")
    visitor.page.get_by_role("button", name="Why is an item not here?").click()
    visitor.page.fill("#why-words", "no/such item%")
    visitor.page.keyboard.press("Enter")
    visitor.page.locator(".picks button, .says").first.wait_for()
    visitor.page.keyboard.press("Escape")
    visitor.page.get_by_role("button", name="Forget me").click()
    visitor.page.get_by_role("button", name="Forget everything").click()
    visitor.page.locator(".receipt").wait_for()
    visitor.eventually(
        lambda: "Nothing yet" in visitor.pane(user).locator(".profile").inner_text(), "the profile is empty"
    )


def test_the_operators_view_shows_the_workers(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.url}/#/operations")
    visitor.page.locator(".card").first.wait_for()
    visitor.eventually(lambda: visitor.page.locator(".dot.up").count() == 4, "the door and three workers are up")
    assert "candidates" in visitor.page.locator(".stages").inner_text()


def test_the_page_recovers_when_the_door_starts_again(visitor: Visitor, door: RealDoor) -> None:
    user = nobody_yet()
    visitor.shop(user)
    visitor.click(user)
    door.stop()
    visitor.sees("The connection to the server is lost")
    door.start()
    visitor.eventually(lambda: visitor.pane(user).get_attribute("data-connection") == "live", "connected again", 60)
    visitor.click(user)
