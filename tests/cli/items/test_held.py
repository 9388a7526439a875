"""`sightline items held`: what it finds in the catalogue."""

from dataclasses import replace

from cli.items.held import held_items, why
from features.item import Change, Item, apply_change
from state.codec import encode_item
from streams.wire.namespace import Namespace
from tests.harness.fakes import MemoryLog

FOUND = ("blur", "copy")
HELD = Item(
    "i1", 100, owner="u1", uploaded_at_ms=100, embeddings={"e@1": b"\0<"}, faults=FOUND, held=FOUND, copy_of="i0"
)


def catalogue(*records: tuple[str, Item | None]) -> MemoryLog:
    log = MemoryLog()
    for item_id, item in records:
        log.append("state.catalog", len(item_id) % 2, item_id.encode(), None if item is None else encode_item(item))
    return log


def test_the_held_items_are_those_whose_last_record_says_so_the_first_uploaded_first() -> None:
    later = replace(HELD, item_id="i22", uploaded_at_ms=50)
    allowed = apply_change(replace(HELD, item_id="i3"), "i3", Change(200, allowed=True))
    log = catalogue(
        ("i1", HELD), ("i22", later), ("i3", replace(HELD, item_id="i3")), ("i3", allowed), ("i4", HELD), ("i4", None)
    )
    assert list(held_items(log, Namespace(), 2)) == ["i22", "i1"]


def test_it_says_of_what_an_item_is_a_copy() -> None:
    assert why(HELD) == "blur, copy of i0"
