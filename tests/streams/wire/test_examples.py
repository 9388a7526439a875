"""Each documented output against what the agents make in a small world: the same fields, names, forms and bounds."""

import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import pytest

from features.behaviour import Behaviour
from features.item import hash_of, key_of
from features.ledger import EMPTY, add
from features.profile import ENGAGED_LIMIT, EVENTS_LIMIT, REFUSED_LIMIT, SEEN_LIMIT
from features.recommendation import Reason
from features.trends import update_trends
from inference.catalog.catalog import Catalog
from inference.ranking.ranking import LIKE_REFUSED, RULES
from inference.ranking.reasons import REASON_SHARE
from inference.ranking.weights import WEIGHTS
from inference.retrieval.filters import FILTERS
from inference.retrieval.sources.table import SOURCE_NAMES
from sightline_client import routing
from sightline_client.privacy import DIALS_LIMIT
from state.memory import MemoryPartitions
from state.signals import Signals, SignalStore, partition_of
from streams.interactions.behaviour_cache import BehaviourCache
from streams.privacy.control_records import UNSIGNED
from streams.wire.events import DeadLetter, Export, Interaction, PrivacyRequest, Receipt, Recommendations, Trigger
from streams.wire.examples import MESSAGES
from streams.wire.namespace import Namespace
from streams.wire.parsing import parse_interaction
from streams.wire.records import Record
from tests.harness import uploads
from tests.harness.fakes import NOON, degradations, linked
from tests.harness.interactions import BLUES, DIMENSIONS, PARTITIONS, REDS, Hub, click, item, record
from tests.harness.uploads import Studio

T = TypeVar("T", bound=msgspec.Struct)

#: What the documents count with (`Settings.partitions`).
DOCUMENTED_PARTITIONS = 12
LINKED = Behaviour(add(EMPTY, key_of("blue0"), 8.0, NOON, limit=48, half_life_ms=1e12), 5.0, 5.0, NOON)


def examples(name: str) -> tuple[Any, ...]:
    return next(message.examples for message in MESSAGES if message.name == name)


LISTS: tuple[Recommendations, ...] = examples("recommendations")
FEEDS = [one for one in LISTS if one.kind == "feed"]
ANSWERS = [one for one in LISTS if one.kind == "similar"]
RECEIPTS: tuple[Receipt, ...] = examples("receipt")


def shop() -> Catalog:
    """A few shoes of a known colour, and shirts."""
    catalog = Catalog(DIMENSIONS)
    reds = [item(name, at, category="shoes", colours=(("red", 1.0),)) for at, name in enumerate(REDS[:4])]
    catalog.apply([*reds, *(item(name, at, category="shirts") for at, name in enumerate(BLUES))])
    return catalog


async def busy_hub() -> Hub:
    """A hub whose users have chosen blue0 after red0, and much of red0."""
    hub, store = Hub(shop()), SignalStore(MemoryPartitions(), PARTITIONS)
    partition, known = partition_of(key_of("red0"), PARTITIONS), {key_of("red0"): LINKED}
    trends = update_trends(hub.behaviour_cache.trends, {key_of(name): LINKED for name in ("red0", "blue1")}, NOON)
    await store.commit({partition: -1}, {partition: Signals(0, {}, trends, {}, known)})
    hub.behaviour_cache = BehaviourCache(store, degradations())
    hub.behaviour_cache.trends = trends
    hub.use(hub.agent())
    return hub


def request(offset: int, kind: str, place: int, **changes: object) -> Record:
    """A control record that asks for `kind`, by the request at `place` on events.privacy."""
    fields = {"event_id": f"p-{place}", "type": kind, "user_id": "u1", "occurred_at_ms": NOON, **changes}
    asked = Record("events.privacy", 0, place, NOON, b"u1", b"")
    message = UNSIGNED.message(msgspec.convert(fields, PrivacyRequest), asked, namespace=Namespace())
    return Record("events.interactions", 0, offset, NOON, message.key, message.value, message.headers, offset - 1)


@pytest.fixture
async def hub() -> Hub:
    """A hub that has published lists for known, unknown and demanding users, and has carried out every request."""
    hub = await busy_hub()
    await hub.handle([record(0, click("u1", "red0"))])
    await hub.handle([record(1, click("u2", "gone"))])
    await hub.handle([request(2, "prefer", 1, prefer={"shirts": 0.5, "red2": 1.0, "shop": 0.5})])
    await hub.handle([record(3, click("u1", "red1"))])
    await hub.handle([request(4, "export", 2), request(5, "forget", 3)])
    return hub


@pytest.fixture
def feeds(hub: Hub) -> list[Recommendations]:
    return hub.publisher.lists()


@pytest.fixture
async def answer() -> Recommendations:
    """What a picture query is answered with."""
    studio = Studio()
    await studio.handle([uploads.record(0, uploads.upload("i1", uploads.shirt(uploads.RED)))])
    studio.catalog.apply([(one.item_id, one) for one in studio.items()])
    await studio.handle([uploads.query(uploads.shirt(uploads.RED))])
    (made,) = studio.publisher.lists()
    return made


def reasons_of(lists: list[Recommendations]) -> list[Reason]:
    return [reason for one in lists for slot in one.items for reason in slot.reasons]


def forms(reasons: list[Reason]) -> set[tuple[str, ...]]:
    """Each reason's code and the names of its evidence."""
    return {(reason.code, *sorted(msgspec.to_builtins(reason).keys() - {"code"})) for reason in reasons}


def numbers(one: Recommendations) -> Iterator[float]:
    for slot in one.items:
        yield slot.score
        for reason in slot.reasons:
            yield from (value for value in (reason.similarity, reason.strength) if value is not None)


def test_a_feeds_reasons_have_the_evidence_that_ranking_gives(feeds: list[Recommendations]) -> None:
    assert FEEDS
    assert forms(reasons_of(FEEDS)) <= forms(reasons_of(feeds))
    assert all(slot.reasons for one in FEEDS for slot in one.items)


def test_an_answers_slots_are_those_that_a_picture_query_gets(answer: Recommendations) -> None:
    assert ANSWERS
    assert answer.items
    assert forms(reasons_of(ANSWERS)) == forms(reasons_of([answer]))
    for one in ANSWERS:
        assert {slot.source for slot in one.items} == {"visual"}
        assert [slot.reasons[0].similarity for slot in one.items] == [slot.score for slot in one.items]


def test_feeds_are_named_and_ordered_by_where_their_trigger_lies(feeds: list[Recommendations]) -> None:
    for one in (*feeds, *FEEDS):
        partition, offset = map(int, re.fullmatch(r"(\d+)-(\d+)", one.rec_id).groups())  # type: ignore[union-attr]
        assert one.seq == offset
        assert one in feeds or partition == routing.partition_of(one.user_id.encode(), DOCUMENTED_PARTITIONS)


def test_a_feeds_reasons_are_given_in_the_order_of_what_they_add_to_the_score() -> None:
    for slot in (slot for one in FEEDS for slot in one.items):
        added = [WEIGHTS[each.code] * (each.similarity or each.strength or 0.0) for each in slot.reasons]
        assert added == sorted(added, reverse=True)
        assert min(added) >= REASON_SHARE * added[0]
        assert sum(added) <= slot.score


def test_answers_are_named_and_ordered_by_where_their_query_lies(answer: Recommendations) -> None:
    for one in (answer, *ANSWERS):
        found = re.fullmatch(r"similar-(\d+)-(\d+)", one.rec_id)
        assert found is not None
        assert one.seq == int(found[2])
        assert one.trigger.type == "query"


def test_a_list_has_the_models_and_timings_that_its_agent_gives(
    feeds: list[Recommendations], answer: Recommendations
) -> None:
    for made, documented in ((feeds[0], FEEDS), (answer, ANSWERS)):
        for one in documented:
            assert list(one.timings_ms) == list(made.timings_ms)
            assert one.model["ranker"] == made.model["ranker"]
            assert one.model.keys() == made.model.keys()
            assert all(value == round(value, 3) for value in one.timings_ms.values())
    assert all(one.timings_ms["queue"] == int(one.timings_ms["queue"]) for one in (*feeds, *FEEDS))


@pytest.mark.parametrize("one", LISTS, ids=lambda one: one.rec_id)
def test_a_documented_list_is_within_the_bounds_of_its_code(one: Recommendations) -> None:
    assert all(value == round(value, 4) for value in numbers(one))
    assert [slot.score for slot in one.items] == sorted((slot.score for slot in one.items), reverse=True)
    assert {slot.source for slot in one.items} <= set(SOURCE_NAMES)
    assert {place for place, slot in enumerate(one.items) if slot.explore} <= set(RULES.explore_slots(20))
    assert list(one.filtered) == [name for name in (*FILTERS, LIKE_REFUSED) if one.filtered.get(name, 0) > 0]
    assert set(one.degraded) <= {"encoder", "crowd", "index"}
    assert one.generated_at_ms >= one.trigger.occurred_at_ms
    assert one.kind == "similar" or one.trigger.item_id not in {slot.item_id for slot in one.items}


def test_a_documented_feed_answers_a_documented_interaction() -> None:
    clicks = [event for event in examples("interaction") if event.type == "click"]
    assert [one.trigger for one in FEEDS] == [
        Trigger(event_id=e.event_id, type=e.type, item_id=e.item_id, occurred_at_ms=e.occurred_at_ms) for e in clicks
    ]


def test_a_documented_view_names_a_slot_of_the_documented_feed() -> None:
    lists = {one.rec_id: one for one in FEEDS}
    views: list[Interaction] = [event for event in examples("interaction") if event.type == "view"]
    assert views
    for view in views:
        slot = lists[view.rec_id or ""].items[view.position or 0]
        assert (slot.item_id, lists[view.rec_id or ""].user_id) == (view.item_id, view.user_id)


def test_receipts_count_what_the_agent_counts(hub: Hub) -> None:
    made = {each.type: each for each in decoded(hub, "privacy.receipts", Receipt)}
    for one in RECEIPTS:
        assert list(one.erased) == list(made[one.type].erased)
        assert one.dials_set == 0 or one.type == "prefer"
        limits = {"engaged": ENGAGED_LIMIT, "refused": REFUSED_LIMIT, "seen": SEEN_LIMIT, "lists": 1}
        limits |= {"event_ids": EVENTS_LIMIT, "dials": DIALS_LIMIT}
        assert all(count <= limits.get(name, count) for name, count in one.erased.items())


def test_receipts_answer_the_documented_requests_where_these_lie() -> None:
    users = {hash_of(asked.user_id): asked for asked in examples("privacy-request")}
    kinds = {(hash_of(asked.user_id), asked.type): asked for asked in examples("privacy-request")}
    for one in RECEIPTS:
        partition = routing.partition_of(users[one.user_hash].user_id.encode(), DOCUMENTED_PARTITIONS)
        assert (one.request.partition, one.applied.partition) == (partition, partition)
        prefer = kinds[one.user_hash, one.type].prefer or {}
        assert one.dials_set == sum(weight != 0 for weight in prefer.values())


def decoded(hub: Hub, topic: str, kind: type[T]) -> list[T]:
    values = [message.value for message in hub.publisher.to(topic)]
    return [msgspec.json.decode(value, type=kind) for value in values if value is not None]


def test_an_export_has_the_forms_that_the_agent_gives(hub: Hub) -> None:
    (made,) = decoded(hub, "privacy.exports", Export)
    (one,) = examples("export")
    assert msgspec.to_builtins(one).keys() == msgspec.to_builtins(made).keys()
    assert one.request.partition == routing.partition_of(one.user_id.encode(), DOCUMENTED_PARTITIONS)
    assert one.interactions >= len(one.seen) == one.remembered_events
    assert max(each.at_ms for each in one.engaged) == one.last_at_ms
    ids = [each.item_id for each in one.engaged]
    assert all(re.fullmatch(r"#[0-9a-f]{16}", name) for name in ids if name.startswith("#"))
    assert all(re.fullmatch(r"#[0-9a-f]{8}", name) for name in one.seen if name.startswith("#"))
    # Half the key of an item that left the catalogue: the lower half, which stands last.
    assert one.seen == [name if not name.startswith("#") else f"#{name[-8:]}" for name in ids]
    assert set(one.owned) <= set(ids)
    assert f"#{key_of('u7'):016x}" in one.dials


async def test_a_dead_letter_is_what_the_hub_makes_of_its_message() -> None:
    one: DeadLetter = examples("dead-letter")[0]
    assert one.partition == routing.partition_of(one.key or b"", DOCUMENTED_PARTITIONS)
    hub = Hub()
    refused = Record(one.topic, one.partition, one.offset, one.timestamp_ms, one.key, one.value)
    await hub.handle(linked([refused]))
    assert hub.publisher.dead_letters() == [one]


@pytest.mark.parametrize("event", examples("interaction"), ids=lambda event: event.event_id)
def test_a_documented_interaction_names_a_list_as_lists_are_named(event: Interaction) -> None:
    value = msgspec.json.encode(event)
    if event.type != "search":  # which is counted, and changes nothing
        assert parse_interaction(Record("events.interactions", 4, 0, NOON, event.user_id.encode(), value)) == event
    partition = routing.partition_of(event.user_id.encode(), DOCUMENTED_PARTITIONS)
    assert event.rec_id is None or re.fullmatch(rf"{partition}-\d+", event.rec_id)
