"""From an event of events.items to the change of an item that it means."""

from typing import Any

from msgspec import UNSET

from features.item import CLEARABLE, FACTS, MODERATION, Change
from streams.wire.events import ItemChange


def change_of(event: ItemChange, at_ms: int) -> Change:
    """The change that an event means, said at `at_ms` (Unix ms). One whose `says()` is empty changes nothing."""
    said = {name: value for name in (*FACTS, *MODERATION) if (value := getattr(event, name)) is not UNSET}
    cleared = _cleared(said)
    if said.get("attributes") == {}:
        # That is no null: it says that there are none, whatever else the publisher writes null for.
        del said["attributes"]
        cleared = (*cleared, "attributes")
    given = {name: value for name, value in said.items() if value is not None}
    return Change(at_ms, cleared=cleared, **given)


def _cleared(said: dict[str, Any]) -> tuple[str, ...]:
    """The fields whose values null takes away: none if null is what the publisher writes for all it does not say.

    `sightline-client` 0.1.0 does so, and serializers of classes do. They write it for fields that cannot be empty, too.
    """
    if any(said[name] is None for name in said.keys() - set(CLEARABLE)):
        return ()
    return tuple(name for name, value in said.items() if value is None)
