"""New pictures, with the fake encoder and a publisher that remembers."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from features.item import key_of
from features.vision.decode import decode
from features.vision.descriptors.packed import describe
from inference.classes.file import Classes
from state.signals import partition_of
from streams.wire.events import Interaction
from streams.wire.parsing import parse_interaction
from streams.wire.records import Record
from tests.harness.fakes import NOON, until
from tests.harness.shop_rules import rule, shop_rules
from tests.harness.uploads import BLUE, PARTITIONS, RED, Studio, query, record, shirt, upload


@pytest.fixture
def studio() -> Studio:
    return Studio()


# A picture becomes an item


async def test_an_upload_becomes_an_item_with_its_embedding_as_unit_float16(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    (item,) = studio.items()
    ((encoder, embedding),) = item.embeddings.items()
    assert len(embedding) == 2 * 256
    assert np.linalg.norm(item.vector(encoder)) == pytest.approx(1, abs=1e-2)
    assert encoder == "fake@1"


async def test_an_item_has_the_tags_of_the_encoder_and_the_colours_of_the_picture(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", shirt(BLUE)))])
    (item,) = studio.items()
    assert item.tags == (("picture", 0.9),)
    assert item.colours[0][0] == "blue"
    assert item.colours[0][1] > 0.5


async def test_an_item_belongs_to_its_uploader_and_knows_both_times(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", user_id="u5"))])
    (item,) = studio.items()
    assert (item.owner, item.uploaded_at_ms, item.changed_at_ms) == ("u5", NOON, NOON)


async def test_an_item_has_what_the_upload_says_of_it(studio: Studio) -> None:
    said: dict[str, Any] = {
        "title": "Red shirt",
        "category": "shirts",
        "price": 19.5,
        "currency": "EUR",
        "in_stock": False,
    }
    await studio.handle([record(0, upload("i1", **said))])
    (item,) = studio.items()
    assert {name: getattr(item, name) for name in said} == said


SAID = [({}, {}), ({"in_stock": None}, {}), ({"in_stock": True}, {"in_stock": NOON})]


@pytest.mark.parametrize(("field", "times"), SAID, ids=["nothing", "null", "true"])
async def test_only_an_upload_that_says_so_is_of_an_item_in_stock(
    studio: Studio, field: dict[str, Any], times: dict[str, int]
) -> None:
    await studio.handle([record(0, upload("i1", **field))])
    (item,) = studio.items()
    assert (item.in_stock, item.times) == (True, times)


async def test_a_tombstone_is_passed_over(studio: Studio) -> None:
    await studio.handle([record(0, None, key=b"i1"), record(1, upload("i2"))])
    assert (studio.reasons(), [item.item_id for item in studio.items()]) == ([], ["i2"])


async def test_a_time_far_off_is_clamped(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", occurred_at_ms=0)), record(1, upload("i2", occurred_at_ms=2**62))])
    assert [item.changed_at_ms for item in studio.items()] == [NOON - 7 * 86_400_000 + 300_000, NOON]


async def test_an_item_goes_to_the_partition_of_state_signals_that_holds_it(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    (message,) = studio.publisher.to("state.signals")
    assert (message.key, message.partition) == (b"i1", partition_of(key_of("i1"), PARTITIONS))


async def test_the_uploader_has_an_upload_interaction_that_the_hub_can_read(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", user_id="u5"))])
    (message,) = studio.publisher.to("events.interactions")
    event = parse_interaction(Record("events.interactions", 0, 0, NOON, message.key, message.value))
    assert (event.type, event.user_id, event.item_id) == ("upload", "u5", "i1")


async def test_an_upload_handled_again_gives_the_same_messages(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    first = list(studio.publisher.messages)
    await studio.handle([record(0, upload("i1"))])
    assert studio.publisher.messages == first + first


async def test_the_interaction_follows_the_item(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1")), record(1, upload("i2"))])
    topics = [message.topic for message in studio.publisher.messages]
    assert topics == ["state.signals"] * 2 + ["events.interactions"] * 2


async def test_an_event_id_of_128_characters_has_an_interaction_whose_id_is_short_enough(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", event_id="é" * 128))])
    (message,) = studio.publisher.to("events.interactions")
    assert len(msgspec.json.decode(message.value or b"", type=Interaction).event_id) <= 128


# A query


async def test_a_query_is_answered_with_what_looks_like_it_and_stores_nothing(studio: Studio) -> None:
    reds = [shirt((205 - 40 * n, 30, 40)) for n in range(3)]
    await studio.handle([record(n, upload(f"red{n}", picture)) for n, picture in enumerate(reds)])
    await studio.handle([record(9, upload("blue", shirt(BLUE)))])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    studio.publisher.messages.clear()
    await studio.handle([query(reds[1])])
    (answer,) = studio.publisher.lists()
    assert answer.items[0].item_id == "red1"
    assert answer.items[-1].item_id == "blue"
    assert answer.items[0].reasons[0].code == "looks_like"
    assert [message.topic for message in studio.publisher.messages] == ["recommendations"]


async def test_a_query_is_answered_with_what_it_is_limited_to(studio: Studio) -> None:
    facts: list[dict[str, object]] = [
        {"category": "hats"},
        {"category": "shoes", "price": 80},
        {"category": "shoes", "price": 20},
    ]
    await studio.handle([record(n, upload(f"i{n}", shirt()) | each) for n, each in enumerate(facts)])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    await studio.handle([query(shirt(), only={"category": "shoes", "max_price": 50})])
    assert [item.item_id for item in studio.publisher.lists()[0].items] == ["i2"]


async def test_what_the_shop_excludes_is_in_no_answer(studio: Studio) -> None:
    await studio.handle([record(n, upload(f"i{n}", shirt((205 - 40 * n, 30, 40)))) for n in range(3)])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    studio.shop_rules = shop_rules(rule("exclude", items=["i1"]))
    await studio.handle([query(shirt()), query(shirt(), by={"look": 0.5, "colour": 0.5})])
    found = [sorted(item.item_id for item in answer.items) for answer in studio.publisher.lists()]
    assert found == [["i0", "i2"], ["i0", "i2"]]


async def test_a_query_by_colour_finds_the_colour_and_says_how_alike_it_is(studio: Studio) -> None:
    pictures = {"red": shirt(RED), "blue": shirt(BLUE), "dark": shirt((120, 10, 15))}
    await studio.handle([record(n, upload(name, each)) for n, (name, each) in enumerate(pictures.items())])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    await studio.handle([query(shirt((200, 35, 45)), by={"colour": 1})])
    (answer,) = studio.publisher.lists()
    assert answer.items[0].item_id == "red"
    assert answer.items[0].reasons[0].by == {"colour": answer.items[0].score}
    assert answer.items[0].score > answer.items[-1].score


async def test_a_query_by_a_mix_keeps_its_limits_and_needs_no_index(studio: Studio) -> None:
    studio.is_index_away = True
    await studio.handle([record(0, upload("i1", category="hats")), record(1, upload("i2", category="shoes"))])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    await studio.handle([query(shirt(), by={"look": 0.5, "hash": 0.5}, only={"category": "hats"})])
    (answer,) = studio.publisher.lists()
    assert ([item.item_id for item in answer.items], answer.degraded) == (["i1"], [])


async def test_a_query_by_a_mix_gets_as_many_as_it_asks_for_and_as_alike(studio: Studio) -> None:
    pictures = {"red": shirt(RED), "blue": shirt(BLUE), "dark": shirt((120, 10, 15))}
    await studio.handle([record(n, upload(name, each)) for n, (name, each) in enumerate(pictures.items())])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    limits: list[dict[str, object]] = [{"count": 1}, {"only": {"min_similarity": 0.99}}, {"only": {"exclude": ["red"]}}]
    await studio.handle([query(shirt(RED), by={"colour": 0.5}, **each) for each in limits])
    found = [[item.item_id for item in answer.items] for answer in studio.publisher.lists()]
    assert found[:2] == [["red"], ["red"]]
    assert "red" not in found[2]


async def test_an_item_keeps_its_pictures_descriptors(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1", shirt(BLUE)))])
    (item,) = studio.items()
    assert item.descriptors == describe(decode(shirt(BLUE)).pixels)


async def test_a_query_gets_as_many_as_it_asks_for_and_nothing_of_its_own_or_excluded(studio: Studio) -> None:
    owners = ["u1", "u7", "u1"]
    pictures = [shirt((205 - 40 * n, 30, 40)) for n in range(3)]
    uploads = [upload(f"i{n}", pictures[n], user_id=owner) for n, owner in enumerate(owners)]
    await studio.handle([record(n, each) for n, each in enumerate(uploads)])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])

    await studio.handle([query(pictures[0]), query(pictures[0], count=1), query(pictures[0], only={"exclude": ["i0"]})])
    found = [[item.item_id for item in answer.items] for answer in studio.publisher.lists()]
    assert [sorted(each) for each in found] == [["i0", "i2"], ["i0"], ["i2"]]


async def test_a_query_may_ask_for_an_attribute_that_uploads_said(studio: Studio) -> None:
    said: list[dict[str, str]] = [{"brand": "Acme"}, {"brand": "Zeta"}, {}]
    uploads = [upload(f"i{n}", shirt((205 - 40 * n, 30, 40)), attributes=each) for n, each in enumerate(said)]
    await studio.handle([record(n, each) for n, each in enumerate(uploads)])
    assert [item.attributes for item in studio.items()] == [{"brand": "Acme"}, {"brand": "Zeta"}, None]
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])

    await studio.handle([query(shirt(), only={"attributes": {"brand": "Zeta"}})])
    (answer,) = studio.publisher.lists()
    assert [item.item_id for item in answer.items] == ["i1"]


async def test_a_query_may_ask_for_what_pictures_show_in_english_or_chinese(studio: Studio) -> None:
    await studio.handle([record(n, upload(f"i{n}", shirt((205 - 40 * n, 30, 40)))) for n in range(2)])
    shoe, other = studio.items()
    studio.catalog.apply([("i0", replace(shoe, tags=(("sandal", 0.8),))), ("i1", other)])
    asked = ["shoe", "鞋", "hat", "no tag at all"]
    await studio.handle([query(shirt(), only={"tag": tag}) for tag in asked])
    found = [[item.item_id for item in answer.items] for answer in studio.publisher.lists()]
    assert found == [["i0"], ["i0"], [], []]


async def test_a_picture_without_a_category_gets_its_own_class_where_that_is_sure(studio: Studio) -> None:
    await studio.handle([record(0, upload("i0", shirt(RED))), record(1, upload("i1", shirt(BLUE)))])
    vectors = np.stack([np.frombuffer(item.embeddings[studio.encoder.version], "<f2") for item in studio.items()])
    weights = np.ascontiguousarray(vectors.T, np.float32)
    studio.classes = Classes(("red", "blue"), studio.encoder.version, weights, np.zeros(2, np.float32), 50.0, 0.6, 1.0)
    unsure = upload("i4", shirt((120, 60, 120)))
    said = upload("i3", shirt(BLUE), category="ties")
    await studio.handle([record(2, upload("i2", shirt(RED))), record(3, said), record(4, unsure)])

    red, tie, other = studio.items()[2:]
    assert (red.category, red.known_category) == (None, "red")
    assert red.own_class is not None
    assert 0.6 <= red.own_class[1] <= 1
    assert tie.known_category == "ties"
    studio.classes = replace(studio.classes, encoder="another@1")
    await studio.handle([record(5, upload("i5", shirt(RED)))])
    assert studio.items()[-1].own_class is None
    assert other.own_class is None or other.own_class[1] >= 0.6


async def test_a_query_gets_nothing_less_alike_than_it_asks_for(studio: Studio) -> None:
    await studio.handle([record(0, upload("red", shirt())), record(1, upload("blue", shirt(BLUE)))])
    studio.catalog.apply([(item.item_id, item) for item in studio.items()])
    limits = [{"min_similarity": least} for least in (-1, 0.999, 1)]
    await studio.handle([query(shirt(), only=only) for only in limits])
    found = [[item.item_id for item in answer.items] for answer in studio.publisher.lists()]
    assert found[:2] == [["red", "blue"], ["red"]]
    assert found[2] in ([], ["red"])  # as the rounding of float16 has it


async def test_a_query_says_when_the_index_is_away(studio: Studio) -> None:
    studio.is_index_away = True
    await studio.handle([record(0, upload("i1"))])
    studio.catalog.apply([("i1", studio.items()[0])])
    await studio.handle([query(shirt())])
    (answer,) = studio.publisher.lists()
    assert (answer.items, answer.degraded) == ([], ["index"])


async def test_an_answer_is_the_users_and_names_its_query(studio: Studio) -> None:
    await studio.handle([query(shirt())])
    (answer,) = studio.publisher.lists()
    assert (answer.user_id, answer.kind, answer.seq, answer.trigger.type) == ("u7", "similar", 9, "query")
    assert studio.publisher.messages[0].key == b"u7"


async def test_a_query_on_an_empty_catalogue_is_answered_with_an_empty_list(studio: Studio) -> None:
    await studio.handle([query(shirt())])
    assert studio.publisher.lists()[0].items == []


async def test_vectors_of_another_encoder_are_not_compared_with(studio: Studio) -> None:
    await studio.handle([record(0, upload("i1"))])
    (item,) = studio.items()
    studio.catalog.apply([("i1", replace(item, embeddings={"old@1": item.embeddings["fake@1"]}))])
    await studio.handle([query(shirt())])
    assert studio.publisher.lists()[0].items == []


# Bad input: each goes to the dead letters whole, and the other uploads of the batch are handled


BAD_EVENTS = {
    "bad JSON": (b"{", b"i1", "bad_json"),
    "null key": (upload("i1"), None, "no_key"),
    "another item's key": (upload("i1"), b"i2", "key_mismatch"),
    "no picture": (upload("i1", image_ref=None), b"i1", "invalid_event"),
    "picture not base64": (upload("i1") | {"image": "§"}, b"i1", "invalid_event"),
    "empty item_id": (upload(""), None, "invalid_event"),
    "an item_id of 1 MB": (upload("i1") | {"item_id": "i" * 1_000_000}, b"i1", "invalid_event"),
    "over 1.5 MiB": (upload("i1", description="x" * 1_600_000), b"i1", "too_large"),
}


@pytest.mark.parametrize(("value", "key", "reason"), BAD_EVENTS.values(), ids=BAD_EVENTS.keys())
async def test_a_bad_event_is_kept_whole_and_the_next_upload_is_handled(
    studio: Studio, value: object, key: bytes | None, reason: str
) -> None:
    bad = record(0, value, key=key)
    await studio.handle([bad, record(1, upload("i2"))])
    (letter,) = studio.publisher.dead_letters()
    assert (letter.reason, letter.topic, letter.key, letter.value) == (reason, "events.uploads", key, bad.value)
    assert letter.headers == [("tenant", b"a")]
    assert [item.item_id for item in studio.items()] == ["i2"]


# Several at once


async def test_sixteen_at_once_each_become_what_they_would_alone(studio: Studio) -> None:
    events = [upload(f"i{n}", b"junk" if n % 4 == 3 else shirt((10 * n, 50, 90)), user_id=f"u{n}") for n in range(16)]
    await studio.handle([record(n, event) for n, event in enumerate(events)])
    alone = Studio()
    for n, event in enumerate(events):
        await alone.handle([record(n, event)])
    for topic in ("state.signals", "events.interactions", "dead-letters"):
        assert studio.publisher.to(topic) == alone.publisher.to(topic)
    assert len(studio.items()) == 12
    assert studio.reasons() == ["bad_image"] * 4


async def test_when_most_uploads_are_refused_the_agent_stands_still_and_they_stay_in_their_topic() -> None:
    studio = Studio()
    junk = [Record("events.uploads", 0, n, NOON, b"i1", b"{") for n in range(20)]
    standing = asyncio.create_task(studio.handle(junk))
    await until(lambda: studio.breaker.reason is not None)
    assert (standing.done(), studio.publisher.messages) == (False, [])
    standing.cancel()
