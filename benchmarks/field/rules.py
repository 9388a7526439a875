"""What an event sent twice does, and what becomes of an item that several services speak of. No service is needed."""

from collections.abc import Iterator

from benchmarks.field.case import Case, equal
from features.item import Change, Item, apply_change, apply_upload, key_of
from features.profile import NEW, Action, apply_interaction

AT_MS = 1_790_000_000_000


def rule_cases() -> Iterator[Case]:
    """The cases of profiles and items."""
    yield from map(_sent_twice, (32, 33, 100, 1000))
    yield _hidden_before_a_price()
    yield _hidden_before_an_upload()


def _sent_twice(count: int) -> Case:
    """A phone that was offline sends what it has, and again."""
    profile = NEW
    for number in [*range(count), *range(count)]:
        action = Action(key_of(f"event {number}"), key_of(f"item {number % 7}"), 1.0, AT_MS + number)
        profile = apply_interaction(profile, action).profile
    return equal(f"D1 {count} events, all sent twice, are counted", count, profile.count)


def _uploaded(at_ms: int) -> Item:
    return Item("i", changed_at_ms=at_ms, owner="ann", uploaded_at_ms=at_ms, embeddings={"e@1": b"\0\0"})


def _hidden_before_a_price() -> Case:
    priced = apply_change(_uploaded(AT_MS), "i", Change(AT_MS + 2000, price=8.0))
    after = apply_change(priced, "i", Change(AT_MS + 1000, hidden=True))
    return equal(
        "I1a hidden at 1 s, arrives after a price of 2 s: hidden, price", (True, 8.0), (after.hidden, after.price)
    )


def _hidden_before_an_upload() -> Case:
    hidden = apply_change(_uploaded(AT_MS), "i", Change(AT_MS + 1000, hidden=True))
    after = apply_upload(hidden, _uploaded(AT_MS + 2000))
    return equal("I2 hidden by a moderator, then uploaded again by its owner: hidden", True, after.hidden)
