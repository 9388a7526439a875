"""What a visitor does and sees, on a server in memory."""

from pathlib import Path

import pytest

from tests.harness.clips import BLUE, GREEN, RED, clip, scene
from tests.web.browser.conftest import ADA, BEN, Visitor, Visits
from tests.web.browser.fake_server import FakeServer


def test_a_click_changes_the_pictures_and_says_how_fast(visitor: Visitor) -> None:
    visitor.shop(ADA)
    before = visitor.items(ADA)
    visitor.click(ADA)
    after = visitor.items(ADA)
    assert before[0] not in after
    assert after != before
    assert "ms" in visitor.pane(ADA).locator(".speed strong").inner_text()
    stages = visitor.pane(ADA).locator(".legend li").all_inner_texts()
    assert [each.split("\n")[0] for each in stages][-2:] == ["pictures", "painted"] or "painted" in stages[-1]
    assert visitor.pane(ADA).locator(".tile.is-new").count() > 0


def test_the_stages_add_up_to_the_whole(visitor: Visitor) -> None:
    visitor.shop(ADA)
    visitor.click(ADA)
    whole, parts = visitor.page.evaluate(
        "performance.getEntriesByType('measure').map(e => [e.duration, e.detail.stages.map(s => s.ms)])"
    )[0]
    assert abs(sum(parts) - whole) < 0.1
    assert min(parts) >= 0


def test_a_hidden_item_is_gone_and_what_it_took_is_counted(visitor: Visitor) -> None:
    visitor.shop(ADA)
    hidden = visitor.items(ADA)[2]
    tile = visitor.pane(ADA).locator(".list .tile").nth(2)
    tile.hover()
    visitor.press(tile.locator('[aria-label^="Hide"]'))
    assert hidden not in visitor.items(ADA)
    toast = visitor.page.locator(".toast")
    toast.wait_for()
    assert "is gone" in toast.inner_text()
    assert "look-alike" in toast.inner_text() or "Nothing else" in toast.inner_text()


def test_two_shoppers_do_not_mix(visitor: Visitor, fake: FakeServer) -> None:
    visitor.shop(ADA, BEN)
    before = visitor.items(BEN)
    visitor.click(ADA)
    visitor.click(ADA)
    visitor.page.wait_for_timeout(300)
    assert visitor.items(BEN) == before
    assert fake.world.user(BEN).chosen == []
    assert len(fake.world.user(ADA).chosen) == 2


def test_who_looks_at_operations_comes_back_to_what_was_there(visitor: Visitor) -> None:
    visitor.shop(ADA)
    visitor.click(ADA)
    speed, items = visitor.pane(ADA).locator(".speed strong").inner_text(), visitor.items(ADA)
    visitor.page.keyboard.press("o")
    visitor.sees("What the workers' own metrics say")
    visitor.page.keyboard.press("o")
    visitor.eventually(lambda: visitor.items(ADA) == items, "the list is there")
    assert visitor.pane(ADA).locator(".speed strong").inner_text() == speed


def test_more_is_shown_without_repeating(visitor: Visitor) -> None:
    visitor.shop(ADA)
    visitor.click(ADA)
    visitor.pane(ADA).get_by_role("button", name="Show more").click()
    visitor.eventually(lambda: len(visitor.items(ADA)) > 20, "more is shown")
    assert len(set(visitor.items(ADA))) == len(visitor.items(ADA))


def test_a_second_shopper_is_one_press_away(visitor: Visitor) -> None:
    visitor.shop(ADA)
    visitor.page.get_by_role("button", name="Add a second shopper").click()
    visitor.eventually(lambda: visitor.page.locator(".pane").count() == 2, "two shoppers")
    assert visitor.page.url.count("user=") == 2


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    visitor.shop(ADA)
    keys = visitor.page.keyboard
    keys.press("1")
    keys.press("ArrowRight")
    second = visitor.items(ADA)[1]
    assert visitor.page.evaluate("document.activeElement.closest('.tile').dataset.item") == second
    before = len(visitor.painted())
    keys.press("Enter")
    visitor.eventually(lambda: len(visitor.painted()) > before, "the click was answered")
    # The focus is where it was, on what stands there now.
    assert visitor.page.evaluate("document.activeElement.closest('.tile').dataset.item") == visitor.items(ADA)[1]
    keys.press("w")
    visitor.sees("What each source of candidates says")
    keys.press("Escape")
    assert visitor.page.evaluate("document.activeElement.closest('.tile') !== null")
    keys.press("/")
    assert visitor.page.evaluate("document.activeElement.id") == "words"


def test_a_list_is_told_to_people_who_hear_the_page(visitor: Visitor) -> None:
    visitor.shop(ADA)
    visitor.click(ADA)
    spoken = visitor.page.locator("#spoken")
    visitor.eventually(lambda: "New list for Ada" in spoken.inner_text(), "the list was told")
    assert spoken.get_attribute("aria-live") == "polite"


def test_words_find_items_that_can_be_clicked(visitor: Visitor) -> None:
    visitor.shop(ADA)
    visitor.page.fill("#words", "red mug")
    visitor.page.keyboard.press("Enter")
    shelf = visitor.page.locator(".shelf .tile")
    shelf.first.wait_for()
    visitor.press(shelf.first.locator(".picture"))
    assert visitor.pane(ADA).locator(".chosen li").count() == 1


def test_a_photo_finds_what_looks_like_it_and_a_box_asks_about_a_part(visitor: Visitor, picture: Path) -> None:
    visitor.shop(ADA)
    visitor.page.set_input_files("#photo-file", picture)
    shelf = visitor.page.locator(".shelf .tile")
    shelf.first.wait_for()
    whole = shelf.first.get_attribute("data-item")
    box = visitor.page.locator(".photo-frame").bounding_box()
    assert box is not None
    mouse = visitor.page.mouse
    mouse.move(box["x"] + 30, box["y"] + 30)
    mouse.down()
    mouse.move(box["x"] + 120, box["y"] + 120, steps=3)
    mouse.up()
    visitor.eventually(lambda: shelf.first.get_attribute("data-item") != whole, "the part was asked about")
    visitor.page.locator(".box").focus()
    visitor.page.keyboard.press("Escape")
    visitor.eventually(lambda: shelf.first.get_attribute("data-item") == whole, "the whole photo was asked about")


@pytest.mark.parametrize(("language", "before"), [("en", ""), ("zh", "类")])
def test_what_is_found_is_narrowed_by_a_tag_and_widened_again(visitor: Visitor, language: str, before: str) -> None:
    visitor.page.add_init_script(f"localStorage.setItem('sightline.language', '{language}')")
    visitor.shop(ADA)
    visitor.page.locator("#words").fill("red")
    visitor.page.keyboard.press("Enter")
    tiles, tags = visitor.page.locator(".shelf .tile"), visitor.page.locator(".narrow button")
    tags.first.wait_for()
    every, offered, one = tiles.count(), tags.count(), tags.first
    assert one.text_content() == f"{before}{one.get_attribute('data-tag')}"
    one.click()
    visitor.eventually(lambda: 0 < tiles.count() < every, "fewer are left")
    assert (one.get_attribute("aria-pressed"), tags.count()) == ("true", offered)
    one.click()
    visitor.eventually(lambda: tiles.count() == every, "all are there again")
    assert one.get_attribute("aria-pressed") == "false"


def test_a_photo_is_narrowed_too(visitor: Visitor, fake: FakeServer, picture: Path) -> None:
    visitor.shop(ADA)
    visitor.page.set_input_files("#photo-file", picture)
    one = visitor.page.locator(".narrow button").first
    one.wait_for()
    name = one.get_attribute("data-tag")
    with visitor.page.expect_request(lambda asked: asked.url.endswith(f"tag={name}")):
        one.click()
    visitor.page.get_by_role("button", name="Find the thing in it").click()
    visitor.eventually(lambda: fake.only == {"tag": name}, "the part is asked about within the limit")


def test_the_part_that_stands_out_is_found_and_drawn_and_can_be_moved(visitor: Visitor, picture: Path) -> None:
    visitor.shop(ADA)
    visitor.page.set_input_files("#photo-file", picture)
    shelf = visitor.page.locator(".shelf .tile")
    shelf.first.wait_for()
    whole = shelf.first.get_attribute("data-item")
    visitor.page.get_by_role("button", name="Find the thing in it").click()
    visitor.eventually(lambda: visitor.page.locator(".box.drawn").count() == 1, "the part is drawn")
    found = shelf.first.get_attribute("data-item")
    assert found != whole
    assert visitor.page.locator(".box").get_attribute("style") == "--x: 0.25; --y: 0.5; --width: 0.5; --height: 0.25;"
    visitor.page.locator(".box").focus()
    visitor.page.keyboard.press("ArrowLeft")
    visitor.eventually(lambda: shelf.first.get_attribute("data-item") != found, "the moved part was asked about")


def test_an_uploaded_photo_passes_the_stages(visitor: Visitor, fake: FakeServer, picture: Path) -> None:
    visitor.shop(ADA)
    visitor.page.set_input_files("#photo-file", picture)
    visitor.page.get_by_role("button", name="Upload").click()
    visitor.eventually(lambda: visitor.page.locator(".steps .done").count() == 3, "all stages are passed")
    assert [item.title for item in fake.world.items.values()][-1] == "my lamp"


def test_a_clip_is_asked_with_by_its_middle_and_uploaded_whole(
    visitor: Visitor, fake: FakeServer, tmp_path: Path
) -> None:
    path = tmp_path / "my_clip.webm"
    path.write_bytes(clip([scene(each, 320, 240) for each in (RED, GREEN, BLUE)], container="webm", codec="libvpx"))
    visitor.shop(ADA)
    visitor.page.set_input_files("#photo-file", path)
    visitor.page.locator(".shelf .tile").first.wait_for()
    visitor.page.get_by_role("button", name="Upload").click()
    visitor.eventually(lambda: visitor.page.locator(".steps .done").count() == 3, "all stages are passed")
    assert next(reversed(fake.world.items.values())).clip_ms == 3200


def test_a_clip_that_the_browser_cannot_play_says_so(visitor: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    visitor.shop(ADA)
    visitor.page.set_input_files("#photo-file", path)
    visitor.sees("cannot play the clip")
    assert visitor.page.get_by_role("button", name="Upload").is_visible()


def test_a_clip_in_a_list_says_how_long_it_is(visitor: Visitor, fake: FakeServer) -> None:
    for item in fake.world.items.values():
        item.clip_ms = 150_000
    visitor.shop(ADA)
    assert visitor.pane(ADA).locator(".badge.clip").first.inner_text() == "▶ 2:30"
    assert "Clip of 2:30" in (visitor.pane(ADA).locator(".tile .picture").first.get_attribute("aria-label") or "")


def test_a_shopper_is_forgotten_with_a_receipt(visitor: Visitor, fake: FakeServer) -> None:
    visitor.shop(ADA)
    visitor.click(ADA)
    visitor.page.get_by_role("button", name="Forget me").click()
    visitor.page.get_by_role("button", name="Forget everything").click()
    visitor.page.locator(".receipt").wait_for()
    assert "partition 2, offset 41" in visitor.page.locator(".receipt").inner_text()
    visitor.eventually(
        lambda: "Nothing yet" in visitor.pane(ADA).locator(".profile").inner_text(), "the profile is empty"
    )


def test_the_profile_fills_in_and_takes_dials(visitor: Visitor, fake: FakeServer) -> None:
    visitor.shop(ADA)
    visitor.click(ADA)
    category = fake.world.items[fake.world.user(ADA).chosen[0][0]].category
    visitor.pane(ADA).get_by_role("button", name=f"More of {category}").click()
    visitor.eventually(lambda: visitor.pane(ADA).locator(".chip").first.is_visible(), "the dial is shown")
    visitor.eventually(lambda: fake.world.user(ADA).dials == {category: 0.5}, "the dial is set")


def test_why_not_answers_for_an_item_that_is_found_and_for_one_that_is_none(visitor: Visitor) -> None:
    visitor.shop(ADA)
    visitor.page.get_by_role("button", name="Why is an item not here?").click()
    visitor.page.fill("#why-words", "purple")
    visitor.page.keyboard.press("Enter")
    picks = visitor.page.locator(".picks li")
    picks.first.wait_for()
    found = picks.evaluate_all("all => all.map(each => each.dataset.item)")
    other = next(place for place, item in enumerate(found) if item not in visitor.items(ADA))
    picks.nth(other).locator("button").click()
    visitor.sees("It is not in the list, because others score higher")
    visitor.page.fill("#why-words", "no/such item%")
    visitor.page.keyboard.press("Enter")
    visitor.sees("nothing of this id is in the catalogue")


def test_the_page_speaks_chinese_to_whom_the_browser_does(fake: FakeServer, visits: Visits) -> None:
    visitor = visits.to(fake.url, language="zh-CN")
    visitor.shop(ADA)
    visitor.click(ADA)
    assert "看起来像" in visitor.pane(ADA).locator(".reason").first.inner_text()
    visitor.page.get_by_role("button", name="English").click()
    visitor.eventually(lambda: "Looks like" in visitor.pane(ADA).inner_text(), "the page speaks English")
    assert visitor.page.evaluate("document.documentElement.lang") == "en"


def test_a_theme_that_is_chosen_stays(visitor: Visitor) -> None:
    visitor.shop(ADA)
    for _ in range(2):
        visitor.page.get_by_role("button", name="Colours").click()
    assert visitor.page.evaluate("document.documentElement.dataset.theme") == "dark"
    visitor.page.reload()
    visitor.pane(ADA).locator(".tile").first.wait_for()
    assert visitor.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 17, 22)"


def test_nothing_is_wider_than_a_phone(fake: FakeServer, visits: Visits) -> None:
    for path in (f"#/shop?user={ADA}&user={BEN}", "#/operations"):
        visitor = visits.to(fake.url, width=390, height=844)
        visitor.page.goto(f"{fake.url}/{path}")
        visitor.page.wait_for_timeout(500)
        assert visitor.page.evaluate("document.documentElement.scrollWidth") == 390
