"""What `sightline rules check` says of rules."""

import re
from dataclasses import replace

from inference.shop_rules.file import decode_rules
from inference.shop_rules.survey import survey
from tests.harness.catalog import NOW, item, reds_and_blues
from tests.harness.lists import catalog_of
from tests.harness.paths import ROOT
from tests.harness.shop_rules import rule, shop_rules

SHOP = catalog_of(*reds_and_blues(12), ("odd", replace(item("red-20"), item_id="odd", in_stock=False)))


def test_a_rule_names_what_can_be_shown_and_decides_what_no_other_does() -> None:
    found = survey(
        shop_rules(
            rule("boost", "reds", weight=0.2, category="red"),
            rule("boost", "one", weight=0.5, items=["red-1"]),
            rule("promote", "p", slots=[3, 5], most=1, category="blue", per_user_per_day=4),
            rule("exclude", "x", items=["red-2", "blue-2"]),
            rule("exclude", "later", category="blue", since="2026-02-01T00:00:00Z"),
        ),
        SHOP,
        NOW,
        length=20,
    )

    assert [(each.name, each.does, each.holds, each.named, each.decides) for each in found.reaches] == [
        ("reds", "boost +0.2", "now", 12, 10),
        ("one", "boost +0.5", "now", 1, 1),
        ("p", "promote to 3, 5; 1 at most; 4 a user and day", "now", 12, 11),
        ("x", "exclude", "now", 2, 2),
        ("later", "exclude", "later", 12, 0),
    ]
    assert (found.items, found.left, found.warnings) == (24, 22, [])


def test_what_a_shop_may_not_have_meant_is_said() -> None:
    found = survey(
        shop_rules(
            rule("boost", "unknown", weight=0.2, category="hats"),
            rule("boost", "some", weight=0.2, items=["red-1", "odd", "nothing"]),
            rule("boost", "weak", weight=0.1, items=["red-1"]),
            rule("promote", "first", slots=[3], items=["blue-1"]),
            rule("promote", "second", slots=[3, 30], items=["blue-2"]),
            rule("exclude", "over", category="red", until="2025-01-01T00:00:00Z"),
            rule("exclude", "much", category="blue"),
        ),
        SHOP,
        NOW,
        length=20,
    )

    assert found.warnings == [
        "over is over: leave it out, or give it another `to`",
        "second wants slot 30, and lists have 20 (SIGHTLINE_LIST_LENGTH)",
        "second wants slot 3, which an earlier promotion has first",
        "unknown names nothing that the catalogue has and can show",
        "some names 3 items, of which the catalogue has and can show 1",
        "weak decides nothing: what it names is excluded, or has a boost that goes before",
        "first decides nothing: what it names is excluded, or has a boost that goes before",
        "second decides nothing: what it names is excluded, or has a boost that goes before",
        "exclusions leave 12 of 24 items: lists of 20 slots cannot be full",
    ]


def test_without_a_catalogue_nothing_is_counted() -> None:
    found = survey(shop_rules(rule("promote", "p", slots=[21], items=["i1"])), None, NOW, length=20)

    assert [(each.named, each.decides) for each in found.reaches] == [(None, None)]
    assert (found.items, found.left) == (None, None)
    assert len(found.warnings) == 1


def test_no_rule_is_a_file_too() -> None:
    assert survey(shop_rules(), SHOP, NOW, length=20).left == 24


def test_the_example_of_the_page_is_read() -> None:
    example = re.search(r"```json\n(.*?)```", (ROOT / "docs/rules.md").read_text(), re.DOTALL)

    assert example is not None
    found = decode_rules(example[1].encode()).keys
    assert found == ["summer-sandals", "less-of-outlet", "new-lamps", "acme-week", "recall-2026-14"]
