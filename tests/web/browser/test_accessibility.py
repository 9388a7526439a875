"""axe finds nothing serious in any view, in both themes."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.web.browser.conftest import ADA, BEN, Visitor, Visits
from tests.web.browser.fake_server import FakeServer
from tests.web.browser.test_operations_view import worker


def serious(page: Page) -> list[str]:
    """What axe finds that keeps people out, by its rule and the first element."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(fake: FakeServer, visits: Visits, picture: Path, theme: str) -> None:
    fake.operations = {"workers": [worker(100)]}
    fake.world.degraded = ["crowd"]
    visitor = visits.to(fake.url, theme=theme)
    visitor.shop(ADA, BEN)
    visitor.click(ADA)
    visitor.page.locator(".tile").nth(3).hover()
    settled(visitor)
    assert serious(visitor.page) == []
    visitor.page.set_input_files("#photo-file", picture)
    visitor.page.locator(".shelf .tile").first.wait_for()
    settled(visitor)
    assert serious(visitor.page) == []
    visitor.page.keyboard.press("1")
    visitor.page.keyboard.press("w")
    visitor.page.locator(".sources").wait_for()
    settled(visitor)
    assert serious(visitor.page) == []
    visitor.page.keyboard.press("Escape")
    visitor.page.keyboard.press("?")
    assert serious(visitor.page) == []
    visitor.page.keyboard.press("Escape")
    visitor.page.goto(f"{fake.url}/#/operations")
    visitor.page.locator(".card").first.wait_for()
    settled(visitor)
    assert serious(visitor.page) == []


def settled(visitor: Visitor) -> None:
    """Wait until nothing moves: what fades has no contrast yet."""
    visitor.page.evaluate("Promise.all(document.getAnimations().map(a => a.finished.catch(() => {})))")


def test_who_wants_no_motion_gets_none(fake: FakeServer, visits: Visits) -> None:
    visitor = visits.to(fake.url)
    visitor.page.emulate_media(reduced_motion="reduce")
    visitor.shop(ADA)
    visitor.click(ADA)
    assert visitor.page.evaluate("document.getAnimations().length") == 0
