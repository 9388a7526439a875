"""The page says of reasons what the command line says."""

from typing import Any, get_args

import msgspec
import pytest

from cli.reasons import sentence
from features.recommendation import Reason
from sightline_client.lists import ReasonCode
from tests.web.browser.conftest import Visitor

REASONS = [
    Reason(code="looks_like", item_id="i9", similarity=0.913),
    Reason(code="looks_like", similarity=0.5, by={"look": 0.6, "colour": 0.8}),
    Reason(code="looks_like", similarity=0.31, by={"words": 0.31}),
    Reason(code="chosen_after", item_id="i9", strength=0.5),
    Reason(code="chosen_by_similar", item_id="i9", strength=0.25),
    Reason(code="suits_taste", item_id="i9", strength=1.0),
    Reason(code="likely_next", item_id="i9", strength=0.4),
    Reason(code="goes_with", item_id="i9", strength=0.4),
    Reason(code="same_category", category="shoes", strength=0.78),
    Reason(code="same_colour", colour="light blue", strength=0.2),
    Reason(code="same_attribute", attribute="brand", value="Acme", strength=0.2),
    Reason(code="same_tag", tag="shirt", strength=0.2),
    Reason(code="within_budget", price=49.5, currency="EUR", strength=0.9),
    Reason(code="within_budget"),
    Reason(code="trending", strength=0.1),
    Reason(code="popular"),
    Reason(code="new", age_ms=1000),
    Reason(code="new", age_ms=7_200_000),
    Reason(code="new", age_ms=259_200_000),
    Reason(code="promoted", rule="spring", strength=0.3),
    Reason(code="you_asked", item_id="i9", strength=0.5),
    Reason(code="you_asked", category="shoes", strength=0.5),
    Reason(code="you_asked", strength=0.5),
]
_SENTENCES = """async (reasons) => {
  const { sentence } = await import(new URL("core/reasons.js", document.querySelector("script[type=module]").src));
  return reasons.map((reason) => sentence(reason, (id) => id, { amounts: true }));
}"""


def on_the_page(visitor: Visitor, reasons: list[Reason]) -> Any:
    visitor.page.goto(visitor.url)
    visitor.page.locator(".brand").wait_for()
    return visitor.page.evaluate(_SENTENCES, msgspec.to_builtins(reasons))


def test_every_reason_is_said_as_by_the_command_line(visitor: Visitor) -> None:
    assert {reason.code for reason in REASONS} == set(get_args(ReasonCode))
    assert on_the_page(visitor, REASONS) == [sentence(reason) for reason in REASONS]


@pytest.mark.parametrize("language", ["zh"])
def test_every_reason_has_words_in_chinese(visitor: Visitor, language: str) -> None:
    visitor.page.add_init_script(f"localStorage.setItem('sightline.language', '{language}')")
    assert [said for said in on_the_page(visitor, REASONS) if "reason." in said] == []
