import msgspec
import pytest

from streams.errors import InvalidEvent
from streams.wire.namespace import Namespace
from streams.wire.steps import FORGOTTEN, STEPS_LIMIT, Step, StepTopic, count_steps, encode_steps, parse_steps
from streams.wire.topics import DAY_MS
from tests.harness.fakes import NOON

TOPIC = StepTopic(Namespace("t."))


def step(offset: int, user: int = 1, item: int = 7, at_ms: int = NOON) -> Step:
    return offset, at_ms, user, item


def test_each_partition_of_a_commit_gets_one_message_in_which_its_steps_keep_their_order() -> None:
    found = TOPIC.messages([(0, step(5, item=2**64 - 1)), (3, step(0)), (0, step(9, user=2**64 - 1))])

    assert [(each.topic, each.key, each.partition) for each in found] == [
        ("t.state.steps", None, 0),
        ("t.state.steps", None, 3),
    ]
    assert parse_steps(found[0].value, NOON).tolist() == [(5, NOON, 1, 2**64 - 1), (9, NOON, 2**64 - 1, 7)]


def test_very_many_steps_are_several_messages() -> None:
    found = TOPIC.messages((0, step(offset)) for offset in range(STEPS_LIMIT + 1))

    assert [len(parse_steps(each.value, NOON)) for each in found] == [STEPS_LIMIT, 1]
    assert max(len(each.value or b"") for each in found) < 1 << 20


def test_without_choices_forgotten_users_are_still_named() -> None:
    topic = StepTopic(Namespace(), choices=False)

    assert topic.messages([(0, step(1))]) == []
    (one,) = topic.messages([(0, step(1)), (0, step(2, item=FORGOTTEN))])
    assert parse_steps(one.value, NOON).tolist() == [step(2, item=FORGOTTEN)]


@pytest.mark.parametrize("count", [1, 2, 1000, STEPS_LIMIT])
def test_the_number_of_steps_follows_from_the_size(count: int) -> None:
    assert count_steps(encode_steps(step(offset) for offset in range(count))) == count


GOOD = encode_steps([step(1), step(2)])


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"no steps",
        GOOD[:-1],
        msgspec.msgpack.encode({"type": "Steps2", "steps": b"0" * 32}),
        msgspec.msgpack.encode({"type": "Steps"}),
        msgspec.msgpack.encode({"type": "Steps", "steps": b""}),
        msgspec.msgpack.encode({"type": "Steps", "steps": b"0" * 33}),
        msgspec.msgpack.encode({"type": "Steps", "steps": 7}),
        encode_steps(step(offset) for offset in range(STEPS_LIMIT + 1)),
        encode_steps([step(-1)]),
        encode_steps([step(2), step(2)]),
        encode_steps([step(2), step(1)]),
        encode_steps([step(1, at_ms=-1)]),
        encode_steps([step(1, at_ms=NOON + DAY_MS + 1)]),
    ],
)
def test_what_cannot_be_applied_is_refused(value: bytes | None) -> None:
    with pytest.raises(InvalidEvent, match="not steps: "):
        parse_steps(value, NOON)


def test_fields_of_a_later_release_are_ignored() -> None:
    value = msgspec.msgpack.encode(msgspec.msgpack.decode(GOOD) | {"more": 1})

    assert parse_steps(value, NOON).tolist() == [step(1), step(2)]
