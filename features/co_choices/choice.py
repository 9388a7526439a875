"""A user's choice of an item, and what it means for the items that the user chose before it (docs/adr/0025)."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from features.co_choices.neighbours import Links
from features.profile import IMPRESSION, Action, Profile, lift

#: Interactions weaker than a click do not link items.
LINKING_WEIGHT = 0.9
#: No window is longer: a profile remembers the last 32 items.
WINDOW_LIMIT = 30


@dataclass(frozen=True, slots=True)
class Linking:
    """How the last `window` items chosen before an item are linked with it, in both directions.

    Each step back counts `per_step` of the step after it. A link from the earlier item to the later one begins with
    weight 1, and one from the later item to the earlier one with `backwards`.
    """

    window: int = 5
    per_step: float = 0.8
    backwards: float = 0.7


LINKING = Linking()


class Choice(msgspec.Struct, frozen=True, array_like=True):
    """One interaction with an item: `nearby` has the items chosen before it, the latest first.

    `weight` adds to the popularity of the item; with 0 the user met it only, or had added all that one user can.
    `source` is the partition of the event, and `sequence` grows with its offset, so that what is published twice is
    recognised. `voter` is the bit of the user (`features.behaviour`). On state.signals it is an array: values without
    their names, since each partition of its items gets one.
    """

    item: int
    at_ms: int
    weight: float
    nearby: tuple[int, ...]
    source: int
    sequence: int
    voter: int = 0

    def items(self) -> tuple[int, ...]:
        """The items whose behaviour it changes."""
        return (self.item, *self.nearby)


def is_chosen(action: Action) -> bool:
    """Whether an interaction says that its user chose the item: a click or more, or a look of nearly a minute."""
    return action.weight >= LINKING_WEIGHT


def choice_of(
    before: Profile, action: Action, source: int, offset: int, user_bit: int = 0, *, window: int = LINKING.window
) -> Choice:
    """The choice that an interaction is; one weaker than a click, or a refusal, links nothing.

    It is linked with what the user chose before, and not with what the user only uploaded (docs/adr/0068).
    The item gains in popularity what it gains in the profile (`lift`), but nothing by an impression: that a list showed
    it says nothing of it (docs/adr/0069). `before` is the profile without this action; `source` and `offset` are the
    partition and offset of the event; `user_bit` is the bit of the user.
    """
    nearby: list[int] = []
    if is_chosen(action):
        strong = before.engaged[before.engaged["weight"] >= LINKING_WEIGHT / 2]
        passed_by = {action.item} | before.only_uploaded
        nearby = [item for item in strong["item"][::-1].tolist() if item not in passed_by][:window]
    gained = lift(before, action) if action.most > IMPRESSION else 0.0
    # The release before named an event's engagements 2 * offset and 2 * offset + 1: what it published is recognised.
    return Choice(action.item, action.at_ms, gained, tuple(nearby), source, 2 * offset, user_bit)


def add_links(links: Links, choice: Choice, linking: Linking, owns: Callable[[int], bool]) -> None:
    """Add the links of a choice between items with those before it, as far as `owns` says that an item is wanted."""
    forwards, owns_item = 1.0, owns(choice.item)
    for earlier in choice.nearby:
        if owns_item:
            links.add(choice.item, earlier, linking.backwards * forwards, choice.at_ms)
        if owns(earlier):
            links.add(earlier, choice.item, forwards, choice.at_ms)
        forwards *= linking.per_step
