from collections.abc import Callable
from dataclasses import replace

import pytest

from features.item import Item
from state.codec import encode_item
from streams.errors import CannotGrow
from streams.items.agent import RESTORED
from streams.items.reducer import ItemEffects
from streams.kafka.continuity import Log
from streams.kafka.log_reader import Extent
from streams.replay.grow import Grown, copy_app
from streams.wire.namespace import Namespace
from streams.wire.records import Message
from streams.wire.signals import Uploaded, parse_signal
from tests.harness.fakes import NOON, FakePublisher, MemoryLog

EVENTS, CATALOG = "events.interactions", "state.catalog"
LAMP = Item("lamp", NOON, owner="shop", price=3.0, in_stock=False, hidden=True, embeddings={"fake@1": b"\x00\x3c"})


@pytest.fixture
def log() -> MemoryLog:
    """An app with two partitions."""
    log = MemoryLog()
    log.append(EVENTS, 0, b"u1", b"first")
    log.append(EVENTS, 1, b"u2", b"other")
    log.append(EVENTS, 0, b"u1", b"second")
    return log


async def copied(log: MemoryLog, publisher: FakePublisher, partitions: int = 4) -> Grown:
    extents = {topic: {p: log.extent(topic, p) for p in range(2)} for topic in (EVENTS, CATALOG)}
    events, catalogue = (Log(topic, "id", extent) for topic, extent in extents.items())
    return await copy_app(log, publisher, events, catalogue, into=Namespace("4."), partitions=partitions)


async def test_events_keep_their_keys_and_their_order(log: MemoryLog) -> None:
    publisher = FakePublisher()
    assert await copied(log, publisher) == Grown(events=3, items=0)
    sent = publisher.to("4.events.interactions")
    assert [(each.key, each.value) for each in sent if each.key == b"u1"] == [(b"u1", b"first"), (b"u1", b"second")]
    # murmur2 of the key chooses the partition.
    assert {each.partition for each in sent} == {None}


async def test_an_item_is_copied_as_it_is_now(log: MemoryLog) -> None:
    log.append(CATALOG, 1, b"lamp", encode_item(Item("lamp", NOON - 1, owner="shop")))
    log.append(CATALOG, 1, b"lamp", encode_item(LAMP))
    publisher = FakePublisher()
    assert (await copied(log, publisher)).items == 1
    (message,) = publisher.to("4.state.signals")
    signal = parse_signal(message.value)
    assert isinstance(signal, Uploaded)
    assert ItemEffects().change(signal) == LAMP


async def after_copy(log: MemoryLog) -> ItemEffects:
    """What the new app knows of items."""
    publisher, effects = FakePublisher(), ItemEffects()
    await copied(log, publisher)
    for message in publisher.to("4.state.signals"):
        signal = parse_signal(message.value)
        assert isinstance(signal, Uploaded)
        effects.change(signal)
    return effects


async def test_a_deleted_item_stays_deleted_when_it_is_uploaded_again(log: MemoryLog) -> None:
    log.append(CATALOG, 1, b"lamp", encode_item(LAMP))
    log.append(CATALOG, 1, b"lamp", None, at_ms=NOON + 1)
    effects = await after_copy(log)
    assert effects.items == {"lamp": Item("lamp", NOON + 1, deleted=True)}
    later = replace(LAMP, changed_at_ms=NOON + 2, uploaded_at_ms=NOON + 2)
    assert effects.change(Uploaded(later)).deleted


async def test_an_item_whose_deletion_was_taken_back_may_be_uploaded_again_but_what_was_before_stays_gone(
    log: MemoryLog,
) -> None:
    log.publish([Message(CATALOG, b"lamp", None, ((RESTORED, b""),), partition=1)], 2)
    effects = await after_copy(log)
    assert effects.items["lamp"].restored
    earlier = Item("lamp", NOON - 1, owner="shop", uploaded_at_ms=NOON - 1, embeddings=LAMP.embeddings)
    assert not effects.change(Uploaded(earlier)).embeddings
    later = replace(earlier, changed_at_ms=NOON + 1, uploaded_at_ms=NOON + 1)
    assert effects.change(Uploaded(later)).embeddings


async def test_an_item_that_came_back_after_its_deletion_is_copied_as_it_is_now(log: MemoryLog) -> None:
    log.append(CATALOG, 1, b"lamp", None)
    log.append(CATALOG, 1, b"lamp", encode_item(LAMP))
    assert (await after_copy(log)).items == {"lamp": LAMP}


async def test_items_come_before_the_events_about_them(log: MemoryLog) -> None:
    log.append(CATALOG, 0, b"lamp", encode_item(LAMP))
    publisher = FakePublisher()
    await copied(log, publisher)
    assert publisher.messages[0].topic == "4.state.signals"


async def test_an_event_that_comes_meanwhile_is_refused(log: MemoryLog) -> None:
    publisher = FakePublisher()
    publisher.before = once(lambda: log.append(EVENTS, 1, b"u3", b"late"))
    with pytest.raises(CannotGrow, match=r"events.interactions grew while it was copied.*begin with '4\.'"):
        await copied(log, publisher)


async def test_a_log_that_retention_has_cut_is_copied_from_what_is_left(log: MemoryLog) -> None:
    log.cut[EVENTS, 0] = 1
    publisher = FakePublisher()
    assert log.extent(EVENTS, 0) == Extent(1, 2)
    assert (await copied(log, publisher)).events == 2


def once(action: Callable[[], object]) -> Callable[[], None]:
    left = [action]

    def act() -> None:
        if left:
            left.pop()()

    return act
