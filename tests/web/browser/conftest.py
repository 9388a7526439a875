"""A real browser, the page on a server in memory, and what tests of the page do and wait for."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.web.browser.fake_server import FakeServer

DEADLINE_S = 20.0
ADA, BEN = "ada-7f3a", "ben-02cd"
PAINTED = "sightline.click-to-painted"
_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium as the system has it; ended with the module, since its event loop would be in the way of async tests."""
    chromium = which("chromium") or which("chromium-browser") or which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine: `apt-get install chromium` brings the browser for these tests")
    with sync_playwright() as playwright:
        home: dict[str, str | float | bool] = {"HOME": str(tmp_path_factory.mktemp("browser"))}
        found = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS, env=home)
        yield found
        found.close()


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    server = FakeServer()
    server.start()
    yield server
    server.stop()
    assert server.unlike == []


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody in front of the page; `errors` are what the page's scripts threw."""

    page: Page
    url: str
    errors: list[str]

    def shop(self, *users: str) -> None:
        """Open the shop as these shoppers, and wait for their pictures."""
        self.page.goto(f"{self.url}/#/shop?{'&'.join(f'user={user}' for user in users)}")
        for user in users:
            self.pane(user).locator(".tile").first.wait_for()

    def pane(self, user: str) -> Locator:
        return self.page.locator(f'.pane[data-shopper="{user}"]')

    def items(self, user: str) -> list[str]:
        """The items of a shopper's list as they stand."""
        return [
            str(each)
            for each in self.pane(user).locator(".list .tile").evaluate_all("all => all.map(e => e.dataset.item)")
        ]

    def painted(self) -> list[float]:
        """Milliseconds from click to painted, of all clicks that were answered."""
        return [
            float(each)
            for each in self.page.evaluate(f"performance.getEntriesByName('{PAINTED}').map(e => e.duration)")
        ]

    def press(self, button: Locator) -> float:
        """Press what publishes an event; the milliseconds until its list was painted."""
        before = len(self.painted())
        button.click()
        self.eventually(lambda: len(self.painted()) > before, "a list was painted")
        return self.painted()[-1]

    def click(self, user: str, place: int = 0) -> float:
        return self.press(self.pane(user).locator(".list .picture").nth(place))

    def eventually(self, condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
        until = time.monotonic() + deadline_s
        while not condition():
            if time.monotonic() > until:
                said = self.page.locator(".notice, .toast, .steps").all_inner_texts()
                pytest.fail(
                    f"not within {deadline_s:.0f} s: {what}; the page says {said}, its scripts threw {self.errors}"
                )
            self.page.wait_for_timeout(20)

    def sees(self, text: str) -> None:
        """Wait for a text that is visible."""
        self.page.get_by_text(text).first.wait_for()


@dataclass(frozen=True, slots=True)
class Visits:
    """Opens pages as visitors of one server see them, each in a profile of its own."""

    browser: Browser

    def to(
        self, url: str, *, width: int = 1440, height: int = 1000, theme: str = "light", language: str = "en-GB"
    ) -> Visitor:
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            locale=language,
            reduced_motion="no-preference",
        )
        page = context.new_page()
        page.set_default_timeout(DEADLINE_S * 1000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        return Visitor(page, url, errors)


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    yield Visits(browser)
    for context in browser.contexts:
        context.close()


@pytest.fixture
def visitor(fake: FakeServer, visits: Visits) -> Iterator[Visitor]:
    """Somebody on the page of the server in memory, whose scripts throw nothing."""
    found = visits.to(fake.url)
    yield found
    assert found.errors == []


@pytest.fixture
def picture(fake: FakeServer, tmp_path: Path) -> Path:
    """A photo on the visitor's disk."""
    path = tmp_path / "my_lamp.webp"
    path.write_bytes(next(iter(fake.world.items.values())).webp)
    return path
