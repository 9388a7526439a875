"""Item changes and signals: what the catalogue says of an item, and what users do with it."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from features.behaviour import Behaviour, Engagement
from features.item import FACTS, MODERATION, Change, Item, apply_change, key_of
from inference.catalog.catalog import Catalog, CatalogCounts
from state.codec import decode_item, encode_item
from state.memory import MemoryPartitions
from state.partitions import START
from state.signals import SignalStore, Wanted, partition_of
from streams.errors import PublishFailed
from streams.items.agent import RESTORED, SignalsAgent
from streams.items.changes import item_changes_agent
from streams.processing.breaker import Breaker, RefusalLimit
from streams.processing.positions import Positions
from streams.wire.events import ItemChange, encode
from streams.wire.namespace import Namespace
from streams.wire.parsing import NOT_UNPACKED
from streams.wire.records import Record
from streams.wire.signals import Changed, Engaged, Signal, SignalTopic, Uploaded, encode_signal, parse_signal
from tests.harness.fakes import NOON, Clock, FakePublisher, Rewinds, passed, wire

PARTITIONS = 4
EMBEDDINGS = {"fake@1": np.eye(8, dtype="<f2")[0].tobytes()}
SOURCE = 2


class Desk:
    """Both agents on one state, and all that they are made of."""

    def __init__(self) -> None:
        self.partitions = MemoryPartitions()
        self.store = SignalStore(self.partitions, PARTITIONS)
        self.publisher = FakePublisher()
        self.rewinds = Rewinds()
        self.handle = self.agent().handle
        self.breaker = Breaker("events.items", RefusalLimit(least=20))
        self.change = item_changes_agent(
            self.publisher, SignalTopic(Namespace(), PARTITIONS), self.breaker, namespace=Namespace()
        ).handle

    def agent(self) -> SignalsAgent:
        """A worker on this state."""
        breaker = Breaker("state.signals", RefusalLimit(least=20))
        return SignalsAgent(
            self.store, self.publisher, Positions(self.rewinds), breaker, namespace=Namespace(), clock_ms=Clock()
        )

    def catalogue(self) -> list[tuple[str, Item | None]]:
        """What was published to state.catalog, in order; None is a tombstone."""
        return [
            ((message.key or b"").decode(), None if message.value is None else decode_item(message.value))
            for message in self.publisher.to("state.catalog")
        ]

    def latest(self, name: str) -> Item | None:
        """The last word of the catalogue on an item."""
        return dict(self.catalogue())[name]

    async def behaviour(self, name: str, partition: int = 0) -> Behaviour | None:
        """What is stored of an item's users."""
        key = key_of(name)
        return (await self.store.load({partition: Wanted([], [key])}))[partition].behaviours.get(key)

    async def position(self, partition: int = 0) -> int:
        """What the state says was applied."""
        return (await self.partitions.positions([partition]))[partition]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def uploaded(at: int, name: str = "i1", **fields: object) -> Uploaded:
    """An upload at second `at`."""
    known: dict[str, object] = {"owner": "u1", "uploaded_at_ms": NOON + 1000 * at, "embeddings": EMBEDDINGS}
    return Uploaded(Item(name, NOON + 1000 * at, **(known | fields)))  # type: ignore[arg-type]


def changed(at: int, name: str = "i1", **fields: object) -> Changed:
    """A change at second `at`."""
    return Changed(name, Change(NOON + 1000 * at, **fields))  # type: ignore[arg-type]  # a test's own fields


def engaged(sequence: int, name: str = "i1", weight: float = 1.0, links: tuple[str, ...] = ()) -> Engaged:
    near = tuple((key_of(link), 0.7) for link in links)
    return Engaged((Engagement(key_of(name), NOON, weight, near, SOURCE, sequence),))


def record(offset: int, signal: Signal | bytes | None, *, partition: int = 0, after: int | None = -2) -> Record:
    value = signal if isinstance(signal, bytes) or signal is None else encode_signal(signal)
    before = offset - 1 if after == -2 else after
    return Record("state.signals", partition, offset, NOON, b"k", value, (), before)


def batch(*signals: Signal | bytes | None) -> list[Record]:
    return [record(offset, signal) for offset, signal in enumerate(signals)]


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


# What the catalogue says


async def test_an_uploaded_item_stands_in_the_catalogue_under_its_id(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0, title="Red shirt")))
    ((name, item),) = desk.catalogue()
    assert item is not None
    assert (name, item.title, item.embeddings) == ("i1", "Red shirt", EMBEDDINGS)


async def test_a_change_after_the_upload_keeps_the_embedding(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0, price=20.0, title="Red shirt"), changed(5, price=10.0)))
    item = desk.latest("i1")
    assert item is not None
    assert (item.price, item.title, item.embeddings) == (10.0, "Red shirt", EMBEDDINGS)


async def test_a_change_in_a_later_batch_finds_the_stored_item(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0, price=20.0)))
    await desk.handle([record(1, changed(5, price=10.0))])
    item = desk.latest("i1")
    assert item is not None
    assert (item.price, item.embeddings) == (10.0, EMBEDDINGS)


async def test_several_changes_of_one_batch_are_one_record_of_the_catalogue(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0), changed(1, price=1.0), changed(2, price=2.0)))
    assert len(desk.catalogue()) == 1


async def test_a_change_before_the_upload_stands_in_the_catalogue_and_is_kept_for_it(desk: Desk) -> None:
    await desk.handle(batch(changed(5, price=10.0, hidden=True)))
    described = desk.latest("i1")
    assert described is not None
    assert (described.price, described.embeddings, described.new_at_ms) == (10.0, {}, NOON + 5_000)
    await desk.handle([record(1, uploaded(0, price=20.0, title="Red shirt"))])
    item = desk.latest("i1")
    assert item is not None
    assert (item.price, item.hidden, item.title) == (10.0, True, "Red shirt")


async def test_an_item_that_was_only_moderated_or_chosen_is_not_in_the_catalogue(desk: Desk) -> None:
    await desk.handle(batch(changed(5, hidden=False), changed(6, hidden=True)))
    assert desk.catalogue() == []


async def test_a_deletion_takes_an_item_without_a_picture_away_until_it_is_described_again(desk: Desk) -> None:
    await desk.handle(batch(changed(5, title="Hat"), changed(6, deleted=True)))
    assert desk.latest("i1") is None
    await desk.handle([record(2, changed(7, deleted=False))])
    assert (desk.latest("i1"), desk.publisher.messages[-1].headers) == (None, ((RESTORED, b""),))
    await desk.handle([record(3, changed(8, title="Cap"))])
    cap = desk.latest("i1")
    assert cap is not None
    assert (cap.title, cap.new_at_ms) == ("Cap", NOON + 8_000)


async def test_a_change_older_than_what_is_known_changes_nothing(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0), changed(9, price=9.0), changed(3, price=3.0)))
    item = desk.latest("i1")
    assert item is not None
    assert item.price == 9.0


@pytest.mark.parametrize("field", [{"hidden": True}, {"in_stock": False}])
async def test_an_item_that_is_hidden_or_out_of_stock_stays_with_its_mark(desk: Desk, field: dict[str, Any]) -> None:
    await desk.handle(batch(uploaded(0), changed(1, **field)))
    item = desk.latest("i1")
    assert item is not None
    assert {name: getattr(item, name) for name in field} == field


async def test_an_item_that_is_shown_again_has_its_embedding(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0), changed(1, hidden=True), changed(2, hidden=False)))
    item = desk.latest("i1")
    assert item is not None
    assert (item.hidden, item.embeddings) == (False, EMBEDDINGS)


async def test_a_deleted_item_is_a_tombstone(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0), changed(1, deleted=True)))
    assert desk.catalogue() == [("i1", None)]


async def test_a_change_of_a_deleted_item_does_not_bring_it_back(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0), changed(1, deleted=True), changed(2, price=5.0)))
    assert desk.latest("i1") is None


async def test_an_upload_after_the_deletion_does_not_bring_an_item_back_and_its_sender_hears_of_it(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0), changed(1, deleted=True)))
    await desk.handle([record(2, uploaded(2))])
    assert desk.catalogue() == [("i1", None), ("i1", None)]


async def test_a_deletion_taken_back_lets_an_upload_bring_the_item_back(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0), changed(1, deleted=True), changed(2, deleted=False), uploaded(3)))
    assert desk.latest("i1") is not None


async def test_a_deletion_that_is_taken_back_at_once_still_takes_the_item_from_the_catalogue(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0)))
    await desk.handle([record(1, changed(1, deleted=True)), record(2, changed(2, deleted=False))])
    assert desk.latest("i1") is None
    assert desk.publisher.messages[-1].headers == ((RESTORED, b""),)


async def test_the_tombstone_of_a_deleted_item_does_not_say_that_it_is_restored(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0), changed(1, deleted=True)))
    assert desk.publisher.messages[-1].headers == ()


async def test_a_price_of_a_fast_clock_hides_no_later_change(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0), changed(120, price=8.0), changed(60, hidden=True)))
    item = desk.latest("i1")
    assert item is not None
    assert (item.price, item.hidden) == (8.0, True)


async def test_a_new_picture_keeps_what_the_upload_does_not_say(desk: Desk) -> None:
    facts: dict[str, Any] = {"price": 9.0, "title": "a shirt", "in_stock": False, "hidden": True}
    await desk.handle(batch(uploaded(0), changed(1, **facts), uploaded(2)))
    item = desk.latest("i1")
    assert item is not None
    assert ({name: getattr(item, name) for name in facts}, item.uploaded_at_ms) == (facts, NOON + 2000)


async def test_an_upload_that_is_older_than_the_deletion_does_not(desk: Desk) -> None:
    await desk.handle(batch(changed(5, deleted=True), uploaded(0)))
    assert desk.latest("i1") is None


async def test_an_upload_again_keeps_a_change_made_after_it(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0, price=20.0), changed(9, price=10.0), uploaded(5, price=30.0)))
    item = desk.latest("i1")
    assert item is not None
    assert (item.price, item.uploaded_at_ms) == (10.0, NOON + 5000)


async def test_items_in_one_batch_do_not_mix(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0, "i1"), uploaded(0, "i2"), changed(1, "i2", price=5.0)))
    one, two = desk.latest("i1"), desk.latest("i2")
    assert one is not None
    assert two is not None
    assert (one.price, two.price) == (None, 5.0)


# What users do


async def test_an_engagement_makes_its_item_popular_and_trending(desk: Desk) -> None:
    await desk.handle(batch(engaged(0)))
    behaviour = await desk.behaviour("i1")
    assert behaviour is not None
    assert (behaviour.popular, behaviour.trend) == (1.0, 1.0)
    assert (await desk.store.trends())["item"].tolist() == [key_of("i1")]


async def test_an_engagement_links_its_item_to_what_was_chosen_nearby(desk: Desk) -> None:
    await desk.handle(batch(engaged(0, links=("i2", "i3"))))
    behaviour = await desk.behaviour("i1")
    assert behaviour is not None
    assert set(behaviour.neighbours["item"].tolist()) == {key_of("i2"), key_of("i3")}


async def test_an_engagement_published_twice_counts_once(desk: Desk) -> None:
    before = metric("sightline_duplicates_total", kind="signal")
    await desk.handle(batch(engaged(0), engaged(1), engaged(0)))
    await desk.handle([record(3, engaged(1))])
    behaviour = await desk.behaviour("i1")
    assert behaviour is not None
    assert behaviour.popular == 2.0
    assert metric("sightline_duplicates_total", kind="signal") == before + 2


async def test_engagements_of_several_items_in_one_batch_each_count(desk: Desk) -> None:
    await desk.handle(batch(engaged(0, "i1"), engaged(1, "i2"), engaged(2, "i1")))
    one, two = await desk.behaviour("i1"), await desk.behaviour("i2")
    assert one is not None
    assert two is not None
    assert (one.popular, two.popular) == (2.0, 1.0)


async def test_a_refusal_alone_makes_nothing_trend(desk: Desk) -> None:
    await desk.handle(batch(engaged(0, weight=-3.0)))
    assert len(await desk.store.trends()) == 0


async def test_an_engagement_is_not_a_record_of_the_catalogue(desk: Desk) -> None:
    await desk.handle(batch(engaged(0)))
    assert desk.publisher.messages == []


# Junk


@pytest.mark.parametrize("junk", [b"", b"junk", None, b"\xff" * 9, b"\x81\xa4type\xa6Gossip"], ids=repr)
async def test_junk_is_kept_whole_and_the_next_signal_is_applied(desk: Desk, junk: bytes | None) -> None:
    await desk.handle(batch(junk, uploaded(0)))
    (letter,) = desk.publisher.dead_letters()
    assert (letter.reason, letter.topic, letter.value) == ("bad_signal", "state.signals", junk)
    assert desk.latest("i1") is not None
    assert await desk.position() == 1


async def test_an_upload_by_another_than_the_owner_is_a_dead_letter_with_the_place_of_the_upload(desk: Desk) -> None:
    await desk.handle(batch(uploaded(0), changed(1, "i2", title="by the shop")))
    his = replace(uploaded(2, owner="bob", title="his"), as_owner=True)
    records = [
        replace(record(2, his), headers=(("sightline-upload", b"3-14-9"),)),
        record(3, changed(3, price=5.0)),
    ]
    await desk.handle(records)
    await desk.handle(records)

    letter, *_ = desk.publisher.dead_letters()
    assert (letter.reason, letter.key, letter.headers) == ("not_owner", b"k", [("sightline-upload", b"3-14-9")])
    item = desk.latest("i1")
    assert item is not None
    assert (item.owner, item.title, item.price) == ("u1", None, 5.0)


# The protocol


async def test_redelivered_signals_change_nothing(desk: Desk) -> None:
    signals = batch(uploaded(0), engaged(0), changed(1, price=5.0))
    await desk.handle(signals)
    messages = list(desk.publisher.messages)
    await desk.handle(signals)
    behaviour = await desk.behaviour("i1")
    assert behaviour is not None
    assert (desk.publisher.messages, behaviour.popular) == (messages, 1.0)


async def test_when_publishing_fails_nothing_is_stored(desk: Desk) -> None:
    desk.publisher.failure = PublishFailed("refused")
    with pytest.raises(PublishFailed):
        await desk.handle(batch(uploaded(0), engaged(0)))
    assert (await desk.position(), await desk.behaviour("i1")) == (START, None)


async def test_a_refused_commit_writes_nothing_and_rewinds(desk: Desk) -> None:
    def another_worker_was_faster() -> None:
        desk.partitions._positions[0] = 7

    desk.publisher.before = another_worker_was_faster
    await desk.handle(batch(engaged(0)))
    assert (await desk.behaviour("i1"), desk.rewinds.asked) == (None, [(0, 7)])


async def test_offsets_that_hold_no_event_move_the_position_and_nothing_else(desk: Desk) -> None:
    await desk.handle([record(0, engaged(0)), passed(0, 4, topic="state.signals")])
    await desk.handle([passed(4, 7, topic="state.signals")])
    assert (await desk.position(), desk.rewinds.asked, desk.publisher.messages) == (7, [], [])


async def test_a_gap_is_not_stepped_over(desk: Desk) -> None:
    await desk.handle([record(4, engaged(0), after=3)])
    assert (await desk.position(), desk.rewinds.asked) == (START, [(0, START)])


async def test_partitions_have_trends_and_sources_of_their_own(desk: Desk) -> None:
    await desk.handle([record(0, engaged(5, "i1")), record(0, engaged(4, "i2"), partition=1)])
    assert set((await desk.store.trends())["item"].tolist()) == {key_of("i1"), key_of("i2")}


async def stands_still(handling: Coroutine[Any, Any, None]) -> bool:
    """Whether an agent waits instead of handling what it was given; it is ended then."""
    task = asyncio.create_task(handling)
    done, _ = await asyncio.wait({task}, timeout=0.2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return not done


async def test_signals_that_are_nearly_all_unreadable_stay_in_their_topic(desk: Desk) -> None:
    signals = batch(*[uploaded(0)] * 9, *[b"junk"] * 11)
    assert await stands_still(desk.handle(signals))
    assert (desk.publisher.messages, await desk.position()) == ([], START)


async def test_signals_of_which_half_are_unreadable_are_handled(desk: Desk) -> None:
    await desk.handle(batch(*[uploaded(0)] * 10, *[b"junk"] * 10))
    assert len(desk.publisher.dead_letters()) == 10
    assert await desk.position() == 19


# Changes on events.items


def change(name: str = "i1", **fields: Any) -> dict[str, Any]:
    return {"event_id": f"s-{name}", "item_id": name, "occurred_at_ms": NOON} | fields


def change_record(offset: int, event: object, *, key: bytes | None = b"i1") -> Record:
    return Record("events.items", 1, offset, NOON, key, wire(event), (("tenant", b"a"),), offset - 1)


async def test_a_change_is_passed_on_to_the_partition_that_holds_its_item(desk: Desk) -> None:
    await desk.change([change_record(0, change(price=5.0, in_stock=False))])
    (message,) = desk.publisher.to("state.signals")
    assert parse_signal(message.value) == Changed("i1", Change(NOON, price=5.0, in_stock=False))
    assert message.partition == partition_of(key_of("i1"), PARTITIONS)


async def passed_on(desk: Desk, event: object) -> Change:
    """The change that is passed on of an event."""
    await desk.change([change_record(0, event)])
    signal = parse_signal(desk.publisher.messages[-1].value)
    assert isinstance(signal, Changed)
    return signal.change


async def test_a_change_may_name_every_field(desk: Desk) -> None:
    said: dict[str, Any] = {
        "title": "Boot",
        "description": "d",
        "category": "shoes",
        "price": 12.0,
        "currency": "USD",
        "in_stock": True,
        "expires_at_ms": NOON + 86_400_000,
        "attributes": {"brand": "Acme"},
        "hidden": False,
        "deleted": False,
    }
    assert await passed_on(desk, change(**said)) == Change(NOON, **said)


async def test_null_takes_a_value_away(desk: Desk) -> None:
    said = change(price=None, title=None, expires_at_ms=None, currency="EUR", hidden=True)
    cleared = ("title", "price", "expires_at_ms")
    assert await passed_on(desk, said) == Change(NOON, currency="EUR", hidden=True, cleared=cleared)


@pytest.mark.parametrize("nothing", [None, {}])
async def test_attributes_are_taken_away_by_null_and_by_an_empty_map(desk: Desk, nothing: object) -> None:
    assert await passed_on(desk, change(attributes=nothing)) == Change(NOON, cleared=("attributes",))


async def test_an_empty_map_takes_attributes_away_also_of_a_publisher_whose_nulls_say_nothing(desk: Desk) -> None:
    said = change(attributes={}, hidden=None, title=None)
    assert await passed_on(desk, said) == Change(NOON, cleared=("attributes",))


async def test_null_says_nothing_where_null_is_written_for_whatever_is_not_said(desk: Desk) -> None:
    """As the client of the release before writes it."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("title", "description", "category", "price", "in_stock", "hidden", "deleted")
    )
    assert await passed_on(desk, change(**(nothing | {"price": 5.0}))) == Change(NOON, price=5.0)


async def test_what_the_client_writes_says_what_was_given_and_nothing_else(desk: Desk) -> None:
    written = encode(ItemChange(event_id="s", item_id="i1", occurred_at_ms=NOON, price=5.0, title=None))
    assert await passed_on(desk, written) == Change(NOON, price=5.0, cleared=("title",))


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, "empty"),
        ({"in_stock": None, "price": None}, "empty"),
        ({"colour": "red"}, "unknown_field"),
        ({"Price": 5.0, "hidden": None}, "unknown_field"),
    ],
)
async def test_a_change_that_says_nothing_is_counted_and_not_passed_on(
    desk: Desk, fields: dict[str, Any], outcome: str
) -> None:
    labels = {"topic": "events.items", "type": "unknown", "outcome": outcome}
    before = metric("sightline_events_total", **labels)
    await desk.change([change_record(0, change(**fields))])
    assert desk.publisher.messages == []
    assert metric("sightline_events_total", **labels) == before + 1


async def test_a_misspelt_field_behind_a_byte_order_mark_is_told_from_an_empty_change(desk: Desk) -> None:
    labels = {"topic": "events.items", "type": "unknown", "outcome": "unknown_field"}
    before = metric("sightline_events_total", **labels)
    value = b"\xef\xbb\xbf" + msgspec.json.encode(change(prise=4))
    await desk.change([Record("events.items", 1, 0, NOON, b"i1", value)])
    assert metric("sightline_events_total", **labels) == before + 1


async def test_changes_that_say_nothing_do_not_stop_the_topic(desk: Desk) -> None:
    await desk.change([change_record(n, change(colour="red")) for n in range(40)])
    await desk.change([change_record(40, None), change_record(41, change(price=5.0))])
    assert desk.breaker.reason is None
    assert len(desk.publisher.to("state.signals")) == 2


async def test_unknown_fields_are_counted_and_the_known_ones_applied(desk: Desk) -> None:
    before = metric("sightline_unknown_fields_total", topic="events.items")
    assert await passed_on(desk, change(price=5.0, colour="red", brand="b")) == Change(NOON, price=5.0)
    assert metric("sightline_unknown_fields_total", topic="events.items") == before + 2


anything = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.text("x", min_size=4096)
FIELDS = st.sampled_from([*FACTS, *MODERATION, "occurred_at_ms", "item_id", "colour"])


@given(st.dictionaries(FIELDS, anything), st.sampled_from([NOON, 0, 2**32 * 1000 - 1]))
def test_what_is_passed_on_of_any_change_can_be_applied(fields: dict[str, Any], at_ms: int) -> None:
    desk, event = Desk(), change(**fields)
    key = str(event["item_id"]).encode(errors="replace")
    asyncio.run(desk.change([Record("events.items", 1, 0, at_ms, key, msgspec.json.encode(event))]))
    for message in desk.publisher.to("state.signals"):
        signal = parse_signal(message.value)
        assert isinstance(signal, Changed)
        item = apply_change(None, signal.item_id, signal.change)
        assert decode_item(encode_item(item)) == item


async def test_a_tombstone_deletes_the_item_of_its_key(desk: Desk) -> None:
    await desk.change([change_record(0, None)])
    (message,) = desk.publisher.messages
    assert (message.key, message.partition) == (b"i1", partition_of(key_of("i1"), PARTITIONS))
    assert parse_signal(message.value) == Changed("i1", Change(NOON, deleted=True))


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"k" * 129], ids=["null", "empty", "not UTF-8", "too long"])
async def test_a_tombstone_of_no_item_is_passed_over(desk: Desk, key: bytes | None) -> None:
    await desk.change([change_record(0, None, key=key)])
    assert desk.publisher.messages == []


async def test_a_batch_that_was_not_unpacked_deletes_nothing(desk: Desk) -> None:
    packed = Record("events.items", 1, 0, NOON, b"i1", None, ((NOT_UNPACKED, b"too large"),), -1)
    await desk.change([packed])
    (letter,) = desk.publisher.dead_letters()
    assert (letter.reason, desk.publisher.to("state.signals")) == ("not_unpacked", [])


@pytest.mark.parametrize(("told", "kept"), [(0, NOON - 7 * 86_400_000 + 300_000), (2**62, NOON)])
async def test_the_time_of_a_change_is_clamped(desk: Desk, told: int, kept: int) -> None:
    await desk.change([change_record(0, change(price=5.0, occurred_at_ms=told))])
    signal = parse_signal(desk.publisher.messages[0].value)
    assert isinstance(signal, Changed)
    assert signal.change.at_ms == kept


BAD = {
    "bad JSON": (b"{", b"i1", "bad_json"),
    "null key": (change(), None, "no_key"),
    "another item's key": (change(), b"i2", "key_mismatch"),
    "text for a price": (change(price="cheap"), b"i1", "invalid_event"),
    "empty item_id": (change(""), b"", "invalid_event"),
    "an item_id of 1 MB": (change("i" * 1_000_000), b"i1", "too_large"),
}


@pytest.mark.parametrize(("value", "key", "reason"), BAD.values(), ids=BAD.keys())
async def test_a_bad_change_is_kept_whole_and_the_next_is_passed_on(
    desk: Desk, value: object, key: bytes | None, reason: str
) -> None:
    bad = change_record(0, value, key=key)
    await desk.change([bad, change_record(1, change(price=5.0))])
    (letter,) = desk.publisher.dead_letters()
    assert (letter.reason, letter.key, letter.value, letter.headers) == (reason, key, bad.value, [("tenant", b"a")])
    assert len(desk.publisher.to("state.signals")) == 1


async def test_changes_that_are_nearly_all_bad_stay_in_their_topic(desk: Desk) -> None:
    records = [change_record(n, change(price=5.0) if n < 9 else b"junk") for n in range(20)]
    assert await stands_still(desk.change(records))
    assert desk.publisher.messages == []
    assert desk.breaker.reason is not None


async def test_an_item_with_an_empty_vector_is_one_without_a_vector(desk: Desk) -> None:
    await desk.handle([record(0, encode_signal(Uploaded(Item("i1", NOON, embeddings={"e@1": b""}))))])
    catalog = Catalog(8)
    catalog.apply(desk.catalogue())

    assert catalog.counts() == CatalogCounts(searchable=0, unavailable=0, other_encoder=1, no_vector=1)
