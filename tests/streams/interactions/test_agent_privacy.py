"""The hub, when users ask for something: what is erased, what leaves, and what a replay makes of it."""

import msgspec
import pytest

from features.item import hash_of, key_of
from sightline_client.privacy import join_export
from state.profiles import profile_name
from streams.privacy.control_records import ControlRecords
from streams.privacy.export_parts import keys_of
from streams.wire.events import Export, Receipt
from streams.wire.records import Message, Record
from streams.wire.signals import Changed, parse_signal
from tests.harness.fakes import NOON
from tests.harness.interactions import Hub, ask, click, metric, record

SOON = NOON + 1000


@pytest.fixture
def hub() -> Hub:
    return Hub()


def late(offset: int, thing: str = "red3", **changes: object) -> Record:
    """An event from before NOON."""
    return record(offset, click("u1", thing, f"late-{offset}", occurred_at_ms=NOON - 5, **changes))


def fresh(offset: int, thing: str = "blue3", **changes: object) -> Record:
    """An event from after NOON."""
    return record(offset, click("u1", thing, f"fresh-{offset}", occurred_at_ms=SOON, **changes))


def receipts(hub: Hub) -> list[Receipt]:
    return [msgspec.json.decode(m.value or b"", type=Receipt) for m in hub.publisher.to("privacy.receipts")]


def of_user(hub: Hub) -> list[Message]:
    return [message for message in hub.publisher.to("recommendations") if message.key == b"u1"]


def disowned(hub: Hub) -> dict[str, str | None]:
    signals = [parse_signal(message.value) for message in hub.publisher.to("state.signals")]
    return {signal.item_id: signal.change.disown for signal in signals if isinstance(signal, Changed)}


# forget


async def test_forgetting_empties_the_profile_and_takes_the_list_back(hub: Hub) -> None:
    await hub.handle([record(0, click()), ask(1, "forget")])
    assert await hub.engaged("u1") == []
    assert [message.value for message in of_user(hub)] == [None]


async def test_the_list_that_was_published_before_is_followed_by_its_withdrawal(hub: Hub) -> None:
    await hub.handle([record(0, click())])
    await hub.handle([ask(1, "forget")])
    assert [message.value is None for message in of_user(hub)] == [False, True]


async def test_events_after_a_forgetting_in_one_batch_give_a_list_after_the_withdrawal(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0")), ask(1, "forget"), fresh(2)])
    assert [message.value is None for message in of_user(hub)] == [True, False]
    assert await hub.engaged("u1") == [key_of("blue3")]


async def test_other_users_of_the_batch_get_their_lists(hub: Hub) -> None:
    await hub.handle([record(0, click("u2", "blue0")), ask(1, "forget"), record(2, click("u3", "red0"))])
    assert {one.user_id for one in hub.publisher.lists()} == {"u2", "u3"}


async def test_a_receipt_says_what_was_erased_and_names_nobody(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0")), record(1, click("u1", "red1", type="hide")), ask(2, "forget")])
    (receipt,) = receipts(hub)
    assert receipt.erased == {"engaged": 1, "refused": 1, "seen": 2, "lists": 1, "event_ids": 2, "dials": 0, "owned": 0}
    assert (receipt.type, receipt.request.partition, receipt.request.offset) == ("forget", 1, 5)
    assert (receipt.applied.partition, receipt.applied.offset) == (0, 2)
    (message,) = hub.publisher.to("privacy.receipts")
    assert message.key == hash_of("u1").encode()
    assert b'"u1"' not in (message.value or b"")


async def test_the_time_from_the_request_to_its_receipt_is_measured(hub: Hub) -> None:
    before = metric("sightline_forget_seconds_count")
    await hub.handle([ask(0, "forget")])
    assert metric("sightline_forget_seconds_count") == before + 1


async def test_a_receipt_leaves_before_the_commit(hub: Hub) -> None:
    positions: list[int] = []
    hub.publisher.before = lambda: positions.append(hub.partitions._positions.get(0, -1))
    await hub.handle([ask(0, "forget")])
    assert set(positions) == {-1}
    assert await hub.position() == 0


async def test_a_late_event_of_a_forgotten_user_changes_nothing_and_gives_no_list(hub: Hub) -> None:
    labels = {"topic": "events.interactions", "type": "click", "outcome": "forgotten"}
    before = metric("sightline_events_total", **labels)
    await hub.handle([ask(0, "forget"), late(1)])
    await hub.handle([late(2)])
    assert await hub.engaged("u1") == []
    assert [message.value for message in of_user(hub)] == [None]
    assert metric("sightline_events_total", **labels) == before + 2
    assert hub.choices() == []


async def test_what_is_left_in_the_store_is_as_long_as_a_new_profile(hub: Hub) -> None:
    await hub.handle([record(0, click()), ask(1, "forget")])
    (value,) = (await hub.partitions.load({0: [profile_name("u1")]}))[0].values
    assert len(value or b"") == 46


async def test_a_request_that_was_passed_on_twice_is_carried_out_once(hub: Hub) -> None:
    await hub.handle([ask(0, "forget"), fresh(1), ask(2, "forget")])
    assert await hub.engaged("u1") == [key_of("blue3")]
    assert len(receipts(hub)) == 1


async def test_a_replay_from_an_older_store_ends_in_the_same_state(hub: Hub) -> None:
    log = [
        record(0, click()),
        fresh(1, "red2"),
        ask(2, "forget"),
        late(3),
        fresh(4),
        ask(5, "reset", place=6),
        fresh(6, "red5"),
        ask(7, "prefer", place=7, dials={"red1": 1.0, "shop": -0.5}),
        ask(8, "prefer", place=8, dials={"red1": 0.0, "red2": -1.0}),
    ]
    await hub.handle(log)
    other = Hub()
    for each in log:
        await other.handle([each])
    third = Hub()
    await third.handle(log[:4])
    third.use(third.agent())
    await third.handle(log)
    names = {0: [profile_name("u1")]}
    stored = await hub.partitions.load(names)
    assert stored == await other.partitions.load(names) == await third.partitions.load(names)


# What is theirs


async def test_the_items_of_a_forgotten_user_are_disowned(hub: Hub) -> None:
    await hub.handle([ask(0, "forget", user="shop")])
    assert disowned(hub) == dict.fromkeys(hub.catalog.item_ids, hash_of("shop"))
    assert receipts(hub)[0].erased["owned"] == len(hub.catalog.item_ids)


async def test_an_item_that_the_replica_does_not_have_yet_is_disowned(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "just-uploaded", type="upload"))])
    await hub.handle([ask(1, "forget")])
    assert disowned(hub) == {"just-uploaded": hash_of("u1")}


async def test_an_upload_that_was_under_way_is_disowned_when_its_event_comes(hub: Hub) -> None:
    await hub.handle([ask(0, "forget"), late(1, "slow-picture", type="upload")])
    assert disowned(hub) == {"slow-picture": hash_of("u1")}


# reset, opt_out, opt_in


async def test_a_reset_takes_taste_and_list_but_no_event_counts_twice(hub: Hub) -> None:
    await hub.handle([record(0, click()), ask(1, "reset"), record(2, click())])
    assert await hub.engaged("u1") == []
    assert [message.value for message in of_user(hub)] == [None]


async def test_who_opted_out_gets_lists_that_know_nothing_of_them_and_moves_nothing(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0")), ask(1, "opt_out")])
    await hub.handle([fresh(2, "red1")])
    (newest,) = hub.publisher.lists()
    assert {slot.source for slot in newest.items} <= {"fresh", "popular", "trending"}
    assert newest.filtered == {}
    assert await hub.engaged("u1") == []
    assert {choice.sequence for choice in hub.choices()} == {0}


async def test_who_opts_in_again_is_known_again(hub: Hub) -> None:
    await hub.handle([ask(0, "opt_out"), fresh(1, "red1"), ask(2, "opt_in", place=6), fresh(3, "red2")])
    assert await hub.engaged("u1") == [key_of("red2")]


# prefer


async def dials_of(hub: Hub) -> dict[int, float]:
    """The stored dials of the user, by key."""
    profile = (await hub.profiles.load({0: ["u1"]}))[0].profiles["u1"]
    return dict(profile.dials.tolist())


async def test_a_wish_gives_a_receipt_and_no_list(hub: Hub) -> None:
    await hub.handle([record(0, click()), ask(1, "prefer", dials={"red1": 1.0, "blue": -0.5, "red2": 0.0})])
    (receipt,) = receipts(hub)
    assert (receipt.type, receipt.dials_set, receipt.erased) == ("prefer", 2, {"dials": 0})
    assert (receipt.applied.partition, receipt.applied.offset) == (0, 1)
    assert [message.value is None for message in of_user(hub)] == [False]
    await hub.handle([ask(2, "prefer", place=6, dials={"red1": 0.0})])
    assert [message.value is None for message in of_user(hub)] == [False]


async def test_the_receipt_counts_what_was_taken_away_or_had_to_make_room(hub: Hub) -> None:
    many = {f"name-{n}": 0.5 for n in range(32)}
    few = {"name-5": 0.0, "a": 1.0, "b": 1.0}
    await hub.handle([ask(0, "prefer", dials=many), ask(1, "prefer", place=6, dials=few)])
    assert [(each.dials_set, each.erased) for each in receipts(hub)] == [(32, {"dials": 0}), (2, {"dials": 2})]


async def test_the_next_list_follows_the_dials(hub: Hub) -> None:
    await hub.handle([ask(0, "prefer", dials={"blue5": 1.0, "red1": -1.0}), fresh(1, "red0")])
    (newest,) = hub.publisher.lists()
    assert (newest.items[0].item_id, newest.items[0].reasons[0].code) == ("blue5", "you_asked")
    assert "red1" not in {slot.item_id for slot in newest.items}
    assert newest.filtered["unwanted"] == 1


async def test_who_never_wants_a_shop_gets_nothing_of_it(hub: Hub) -> None:
    await hub.handle([ask(0, "prefer", dials={"shop": -1.0}), fresh(1)])
    (newest,) = hub.publisher.lists()
    assert newest.items == []


async def test_a_wish_that_was_passed_on_twice_is_carried_out_once(hub: Hub) -> None:
    await hub.handle([ask(0, "prefer", dials={"a": 1.0}), ask(1, "prefer", place=6, dials={"a": 0.0})])
    await hub.handle([ask(2, "prefer", dials={"a": 1.0})])
    assert await dials_of(hub) == {}
    assert len(receipts(hub)) == 2


async def test_dials_outlive_a_reset_and_an_objection_but_no_forgetting(hub: Hub) -> None:
    await hub.handle([ask(0, "prefer", dials={"blue5": 1.0}), ask(1, "reset", place=6), ask(2, "opt_out", place=7)])
    assert await dials_of(hub) == {key_of("blue5"): 1.0}
    await hub.handle([fresh(3, "red0")])
    assert hub.publisher.lists()[-1].items[0].item_id == "blue5"
    await hub.handle([ask(4, "forget", place=8)])
    assert receipts(hub)[-1].erased["dials"] == 1
    assert await dials_of(hub) == {}


# export


async def test_an_export_has_all_that_is_kept_by_name(hub: Hub) -> None:
    things = [click("u1", "red0"), click("u1", "gone"), click("u1", "blue0", type="hide")]
    wish = ask(3, "prefer", dials={"red1": 0.3, "shop": -0.5})
    await hub.handle([*(record(n, thing) for n, thing in enumerate(things)), wish, ask(4, "export", place=6)])
    (message,) = hub.publisher.to("privacy.exports")
    export = msgspec.json.decode(message.value or b"", type=Export)
    assert [each.item_id for each in export.engaged] == ["red0", f"#{key_of('gone'):016x}"]
    assert [each.item_id for each in export.refused] == ["blue0"]
    assert export.seen == ["red0", f"#{key_of('gone') & 0xFFFFFFFF:08x}", "blue0"]
    assert export.dials == {"red1": 0.3, f"#{key_of('shop'):016x}": -0.5}
    assert (export.user_id, export.interactions, export.remembered_events) == ("u1", 3, 3)
    assert message.key == hash_of("u1").encode()


async def test_an_export_and_a_receipt_count_what_is_remembered_beyond_names(hub: Hub) -> None:
    hides = [click("u1", f"i{n}", type="hide") for n in range(300)]
    await hub.handle(
        [*(record(n, hide) for n, hide in enumerate(hides)), ask(300, "export"), ask(301, "reset", place=6)]
    )
    (message,) = hub.publisher.to("privacy.exports")
    export = msgspec.json.decode(message.value or b"", type=Export)
    assert (len(export.refused), export.refused_before) == (16, 284)
    assert (len(export.seen), export.seen_before, export.remembered_events) == (256, 44, 300)
    assert export.seen_today == 256
    assert receipts(hub)[-1].erased == {"engaged": 0, "refused": 300, "seen": 300, "lists": 1}


async def test_an_export_changes_nothing(hub: Hub) -> None:
    await hub.handle([record(0, click("u1", "red0")), ask(1, "export")])
    assert await hub.engaged("u1") == [key_of("red0")]
    assert [message.value is None for message in of_user(hub)] == [False]


async def test_a_forgetting_takes_the_export_back(hub: Hub) -> None:
    await hub.handle([ask(0, "export"), ask(1, "forget", place=6)])
    export, *withdrawals = hub.publisher.to("privacy.exports")
    assert export.value is not None
    assert [(each.key, each.value) for each in withdrawals] == [(key, None) for key in keys_of(hash_of("u1"))]


async def test_a_large_export_comes_in_parts(hub: Hub) -> None:
    items = [f"{number:0100}" for number in range(2000)]
    await hub.handle([record(n, click("u1", name, type="upload")) for n, name in enumerate(items)])
    await hub.handle([ask(2000, "export")])
    parts = [msgspec.json.decode(m.value or b"", type=Export) for m in hub.publisher.to("privacy.exports")]
    assert [(part.part, part.parts) for part in parts] == [(n, 4) for n in range(1, 5)]
    assert [message.key for message in hub.publisher.to("privacy.exports")] == keys_of(hash_of("u1"))[:4]
    assert join_export(parts).owned == items


# Who may ask


async def test_what_a_publisher_writes_itself_is_a_dead_letter(hub: Hub) -> None:
    await hub.handle([record(0, click()), record(1, click(type="forget"))])
    assert [letter.reason for letter in hub.publisher.dead_letters()] == ["unknown_type"]
    assert await hub.engaged("u1") == [key_of("red0")]


async def test_with_a_key_an_unsigned_request_is_a_dead_letter() -> None:
    hub = Hub(control_records=ControlRecords(b"a key of thirty-two characters.."))
    await hub.handle([record(0, click()), ask(1, "forget")])
    assert [letter.reason for letter in hub.publisher.dead_letters()] == ["unknown_type"]
    assert await hub.engaged("u1") == [key_of("red0")]


@pytest.mark.parametrize("request_kind", ["forget", "opt_out"])
async def test_an_event_that_changes_no_profile_does_not_count_as_shown(hub: Hub, request_kind: str) -> None:
    await hub.handle([record(0, click("u1", "red0"))])
    (one,) = hub.publisher.lists()
    before = metric("sightline_shown_total", source="visual")
    view = late(2, one.items[0].item_id, type="view", rec_id=one.rec_id)
    await hub.handle([ask(1, request_kind), view])
    assert metric("sightline_shown_total", source="visual") == before
