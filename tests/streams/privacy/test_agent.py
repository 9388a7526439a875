"""The privacy agent: from events.privacy to the log of the user's events."""

import pytest

from streams.privacy.agent import privacy_agent
from streams.privacy.control_records import ControlRecords
from streams.processing.breaker import Breaker, RefusalLimit
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from tests.harness.fakes import NOON, FakePublisher, wire

CONTROLS = ControlRecords(b"a key of thirty-two characters..")


#: A wish whose weight is still to be written.
PREFER = b'{"event_id":"p","type":"prefer","user_id":"u1","occurred_at_ms":1,"prefer":{"shirts":%b}}'


class Desk:
    """An agent and what it published."""

    def __init__(self) -> None:
        self.publisher = FakePublisher()
        breaker = Breaker("events.privacy", RefusalLimit())
        self.agent = privacy_agent(self.publisher, CONTROLS, breaker, namespace=Namespace())

    async def handle(self, *events: object, key: bytes = b"u1") -> None:
        await self.agent.handle(
            [Record("events.privacy", 2, offset, NOON, key, wire(event)) for offset, event in enumerate(events)]
        )


@pytest.fixture
def desk() -> Desk:
    return Desk()


def request(kind: str, **changes: object) -> dict[str, object]:
    return {"event_id": f"p-{kind}", "type": kind, "user_id": "u1", "occurred_at_ms": NOON} | changes


@pytest.mark.parametrize("kind", ["forget", "export", "reset", "opt_out", "opt_in"])
async def test_a_request_is_passed_on_into_the_log_of_the_users_events(desk: Desk, kind: str) -> None:
    await desk.handle(request(kind))
    (message,) = desk.publisher.to("events.interactions")
    asked = CONTROLS.read(Record("events.interactions", 0, 0, NOON, message.key, message.value, message.headers))
    assert asked is not None
    assert (asked.control.type, asked.user_id, asked.partition, asked.offset) == (kind, "u1", 2, 0)


@pytest.mark.parametrize("dials", [{"shirts": 0.5, "i9": -1, "u7": 0}, {f"i{n}": 1 for n in range(32)}, {"x" * 128: 1}])
async def test_a_wish_is_passed_on_with_its_dials(desk: Desk, dials: dict[str, float]) -> None:
    await desk.handle(request("prefer", prefer=dials))
    (message,) = desk.publisher.to("events.interactions")
    asked = CONTROLS.read(Record("events.interactions", 0, 0, NOON, message.key, message.value, message.headers))
    assert asked is not None
    assert (asked.control.type, asked.control.prefer) == ("prefer", dials)


async def test_requests_keep_their_order(desk: Desk) -> None:
    await desk.handle(request("opt_out"), request("forget"), request("opt_in"))
    values = [message.value or b"" for message in desk.publisher.to("events.interactions")]
    assert [kind for value in values for kind in (b"opt_out", b"forget", b"opt_in") if kind in value] == [
        b"opt_out",
        b"forget",
        b"opt_in",
    ]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (request("prefer"), "invalid_event"),
        (request("prefer", prefer=None), "invalid_event"),
        (request("prefer", prefer={}), "invalid_event"),
        (request("prefer", prefer={"shirts": 2}), "invalid_event"),
        (request("prefer", prefer={"shirts": -1.01}), "invalid_event"),
        (request("prefer", prefer={"shirts": None}), "invalid_event"),
        (request("prefer", prefer={"shirts": "much"}), "invalid_event"),
        (request("prefer", prefer={"": 1}), "invalid_event"),
        (request("prefer", prefer={"x" * 129: 1}), "invalid_event"),
        (request("prefer", prefer={f"i{n}": 1 for n in range(33)}), "invalid_event"),
        (request("prefer", prefer=["shirts"]), "invalid_event"),
        (PREFER % b"1e999", "invalid_event"),
        (PREFER % b"NaN", "bad_json"),
        (PREFER % b"-Infinity", "bad_json"),
        (request("erase"), "unknown_type"),
        (request("forget", user_id="u2"), "key_mismatch"),
        (request("forget", event_id=""), "invalid_event"),
        (b"forget me", "bad_json"),
    ],
)
async def test_what_cannot_be_read_is_a_dead_letter(desk: Desk, event: object, reason: str) -> None:
    await desk.handle(event)
    assert [letter.reason for letter in desk.publisher.dead_letters()] == [reason]
    assert desk.publisher.to("events.interactions") == []


async def test_a_tombstone_is_passed_over(desk: Desk) -> None:
    await desk.handle(None)
    assert desk.publisher.messages == []
