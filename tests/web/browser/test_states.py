"""The page when something is not as it should be: it says what, and goes on by itself."""

import base64
import json
from pathlib import Path
from urllib.request import Request, urlopen

from tests.web.browser.conftest import ADA, Visitor
from tests.web.browser.fake_server import FakeServer, problem
from tests.web.browser.fake_world import FakeItem

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def test_the_page_recovers_when_the_server_comes_back(visitor: Visitor, fake: FakeServer) -> None:
    visitor.shop(ADA)
    fake.stop()
    visitor.sees("The connection to the server is lost")
    assert len(visitor.items(ADA)) == 20
    fake.start()
    visitor.eventually(lambda: visitor.pane(ADA).get_attribute("data-connection") == "live", "connected again")
    assert visitor.page.get_by_text("The connection to the server is lost").count() == 0
    visitor.click(ADA)


def test_a_click_while_the_server_is_away_is_sent_when_it_is_back(visitor: Visitor, fake: FakeServer) -> None:
    visitor.shop(ADA)
    fake.stop()
    visitor.pane(ADA).locator(".picture").first.click()
    fake.start()
    visitor.eventually(lambda: len(fake.world.user(ADA).chosen) == 1, "the click arrived")


def test_a_list_that_is_withdrawn_is_shown_no_more(visitor: Visitor, fake: FakeServer) -> None:
    visitor.shop(ADA)
    visitor.click(ADA)
    assert visitor.pane(ADA).locator(".chosen li").count() == 1
    # As another device of the same user does.
    with urlopen(Request(f"{fake.url}/v1/users/{ADA}/forget", method="POST")) as answer:
        assert answer.status == 202
    visitor.eventually(lambda: visitor.pane(ADA).locator(".chosen li").count() == 0, "nothing is known any more")
    visitor.eventually(lambda: len(visitor.items(ADA)) == 20, "the list of somebody unknown")


def test_a_degraded_list_says_what_it_lacks(visitor: Visitor, fake: FakeServer) -> None:
    fake.world.degraded = ["crowd", "something_new"]
    visitor.shop(ADA)
    visitor.sees("What others choose could not be read: this list goes by looks alone.")
    visitor.sees("This list lacks something: something_new.")


def test_a_click_that_nobody_answers_is_called_slow(visitor: Visitor, fake: FakeServer) -> None:
    visitor.shop(ADA)
    fake.world.answers = False
    visitor.pane(ADA).locator(".picture").first.click()
    visitor.sees("Your click is accepted. Its list takes longer than usual")
    fake.world.answers = True
    visitor.click(ADA, 1)
    assert not visitor.pane(ADA).locator(".slow-note").is_visible()


def test_a_refused_click_shows_the_servers_words(visitor: Visitor, fake: FakeServer) -> None:
    visitor.shop(ADA)
    fake.refusing = problem(422, "The event is refused", "item_id has 129 characters: give 128 at most")
    visitor.pane(ADA).locator(".picture").first.click()
    visitor.sees("item_id has 129 characters: give 128 at most")
    assert visitor.pane(ADA).locator(".chosen li").count() == 0


def test_a_list_that_cannot_be_made_is_asked_for_again(visitor: Visitor, fake: FakeServer) -> None:
    fake.refusing = problem(503, "Redis is away", "profiles cannot be read: it is tried again")
    visitor.page.goto(f"{fake.url}/#/shop?user={ADA}")
    visitor.sees("profiles cannot be read")
    fake.refusing = None
    visitor.page.get_by_role("button", name="Try again").click()
    visitor.pane(ADA).locator(".tile").first.wait_for()


def test_a_server_with_keys_is_given_one(visitor: Visitor, fake: FakeServer) -> None:
    visitor.shop(ADA)
    fake.refusing = problem(401, "A key is needed", "send Authorization: Bearer KEY")
    visitor.page.reload()
    visitor.page.locator("#access-key").fill("secret")
    fake.refusing = None
    visitor.page.get_by_role("button", name="Use it").click()
    visitor.pane(ADA).locator(".tile img[src^='blob:']").first.wait_for()


def test_a_token_says_who_shops(visitor: Visitor, fake: FakeServer) -> None:
    visitor.shop(ADA)
    fake.refusing = problem(401, "A key is needed", "send Authorization: Bearer KEY")
    visitor.page.reload()
    said = base64.urlsafe_b64encode(json.dumps({"sub": "zoë"}).encode()).decode().rstrip("=")
    visitor.page.locator("#access-key").fill(f"e30.{said}.c2lnbmF0dXJl")
    fake.refusing = None
    visitor.page.get_by_role("button", name="Use it").click()
    visitor.pane("zoë").locator(".tile").first.wait_for()


def test_an_empty_catalogue_says_what_to_do(visitor: Visitor, fake: FakeServer) -> None:
    fake.world.items.clear()
    visitor.page.goto(f"{fake.url}/#/shop?user={ADA}")
    visitor.sees("There is nothing to recommend yet. Drop a photo on the page")


def test_a_broken_file_is_refused_in_words(visitor: Visitor, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"this is no picture")
    visitor.shop(ADA)
    visitor.page.set_input_files("#photo-file", broken)
    visitor.sees("it is neither JPEG, PNG, WebP nor GIF: send a picture")
    visitor.page.get_by_role("button", name="Upload").click()
    visitor.sees("It was not taken: the file is no picture that can be read: text is no picture")


def test_markup_in_titles_and_ids_is_text(visitor: Visitor, fake: FakeServer) -> None:
    first = next(iter(fake.world.items.values()))
    fake.world.items = {"<b>id": FakeItem("<b>id", HOSTILE, "<i>c", "red", 1.0, first.webp)}
    visitor.page.goto(f"{fake.url}/#/shop?user=%3Cu%3Eeve")
    visitor.page.locator(".tile").first.wait_for()
    assert visitor.page.locator(".tile .title").inner_text() == HOSTILE
    assert visitor.page.locator(".who h2").inner_text() == "<u>eve"
    assert visitor.page.locator(".tile b, .tile script, .who u").count() == 0
    assert visitor.page.title() == "Sightline"


def test_a_picture_that_cannot_be_loaded_leaves_its_letter(visitor: Visitor, fake: FakeServer) -> None:
    item = next(iter(fake.world.items.values()))
    item.webp = b"not a picture"
    visitor.shop(ADA)
    visitor.eventually(lambda: visitor.page.locator(".tile .no-picture").count() == 1, "the letter stands there")
