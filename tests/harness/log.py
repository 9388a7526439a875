"""A log, the state that was made from it, and workers that make it: for whoever compares the two."""

from collections.abc import Mapping

import msgspec
from msgspec import structs

from features.co_choices.choice import LINKING
from features.item import Change, Item
from features.profile import Profile
from sightline_client.routing import partition_of as partition_of_key
from state.memory import MemoryPartitions
from state.profiles import ProfileCommit, ProfileStore
from state.signals import SignalStore
from streams.errors import InvalidEvent
from streams.interactions.reducer import parse, reduce
from streams.items.agent import SignalsAgent
from streams.privacy.control_records import UNSIGNED
from streams.processing.breaker import Breaker, RefusalLimit
from streams.processing.dead_letters import set_aside
from streams.processing.positions import Positions
from streams.replay.report import Report
from streams.replay.verify import Verification
from streams.wire.events import Interaction, PrivacyRequest, Recommendations, Trigger, encode
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.signals import Changed, SignalTopic, Uploaded
from tests.harness.fakes import NOON, Clock, FakePublisher, MemoryLog, Rewinds, wire

PARTITIONS = 2
INTERACTIONS, SIGNALS, LISTS = "events.interactions", "state.signals", "recommendations"
USERS = [f"u{n}" for n in range(6)]
ITEMS = [f"i{n}" for n in range(40)]


class World:
    """A log, the state, and workers that go through the log: as they should, or with one fault."""

    def __init__(self, *, min_users: int = 1) -> None:
        self.min_users = min_users
        self.log = MemoryLog()
        self.profile_values = MemoryPartitions()
        self.signal_values = MemoryPartitions()
        self.profiles = ProfileStore(self.profile_values)
        self.signals = SignalStore(self.signal_values, PARTITIONS)
        self.signal_topic = SignalTopic(Namespace(), PARTITIONS)
        #: How `verify` and a rebuild link items.
        self.linking = LINKING
        self.control_records = UNSIGNED
        self.clock = Clock()
        self.made = 0

    def happen(
        self, user: str, item: str, *, kind: str = "click", event: str | None = None, own_ms: int | None = None
    ) -> Record:
        """An event in the log, a second after the one before."""
        self.made += 1
        at = NOON + 1000 * self.made
        fields = {"event_id": event or f"e{self.made}", "type": kind, "user_id": user, "item_id": item}
        value = wire(fields | {"occurred_at_ms": at if own_ms is None else own_ms})
        return self.log.append(INTERACTIONS, home_of(user), user.encode(), value, at_ms=at)

    def ask(self, user: str, kind: str, dials: dict[str, float] | None = None) -> Message:
        """A user's request in the log, as the privacy agent passes it on."""
        self.made += 1
        at = NOON + 1000 * self.made
        fields = {"event_id": "p", "type": kind, "user_id": user, "occurred_at_ms": at, "prefer": dials}
        request = msgspec.convert(fields, PrivacyRequest)
        asked = Record("events.privacy", home_of(user), self.made, at, user.encode(), b"")
        message = self.control_records.message(request, asked, namespace=Namespace())
        self.log.publish([message], PARTITIONS)
        return message

    def stroll(self, count: int) -> None:
        """Events of all users with all items."""
        kinds = ("click", "like", "view", "hide", "purchase")
        for n in range(self.made, self.made + count):
            self.happen(USERS[n * 7 % len(USERS)], ITEMS[(n * 11 + n // 3) % len(ITEMS)], kind=kinds[n % len(kinds)])

    async def work(
        self,
        *,
        lost: int | None = None,
        twice: int | None = None,
        changed: int | None = None,
        signals: bool = True,
        withdrawals: bool = True,
    ) -> None:
        """What waits is applied: without the event at one offset, with it twice, or with it changed."""
        for partition in range(PARTITIONS):
            position = (await self.profiles.positions([partition]))[partition]
            for record in self.log.read(INTERACTIONS, partition, position + 1, 10**6):
                faults = (lost, twice, changed) if partition == 0 else (None, None, None)
                flags = (record.offset == fault for fault in faults)
                await self.apply(record, position, *flags, withdrawals=withdrawals)
                position = record.offset
        if signals:
            await self.work_signals()

    async def apply(
        self, record: Record, held: int, lost: bool, twice: bool, changed: bool, *, withdrawals: bool
    ) -> None:
        """One record: list, withdrawal, dead letter and signals, then the commit."""
        event = parse(record, self.control_records)
        if isinstance(event, InvalidEvent):
            self.log.publish(set_aside(record, event, namespace=Namespace()), PARTITIONS)
            assert await self.profiles.commit([ProfileCommit(record.partition, held, record.offset, {})]) == {}
            return
        loaded = (await self.profiles.load({record.partition: [event.user_id]}))[record.partition]
        before = loaded.profiles[event.user_id]
        if changed and isinstance(event, Interaction):
            event = structs.replace(event, type="view", dwell_ms=30_000)
        effect = reduce(record, event, before)
        after, choices = effect.after, effect.choices(self.signal_topic.linking)
        if lost:
            after, choices = before, []
        elif effect.wants_list:
            self.answer(event.user_id, record.offset)
        if twice and isinstance(event, Interaction):
            after = reduce(record, structs.replace(event, event_id="again"), after).after
        if effect.withdraws_list and withdrawals:
            self.log.publish([Message(LISTS, record.key, None)], PARTITIONS)
        self.log.publish(self.signal_topic.messages(choices), PARTITIONS)
        commit = ProfileCommit(record.partition, held, record.offset, {event.user_id: after})
        assert await self.profiles.commit([commit]) == {}

    async def work_signals(self) -> None:
        """What waits on state.signals is applied by the real agent."""
        publisher = FakePublisher()
        breaker = Breaker(SIGNALS, RefusalLimit())
        agent = SignalsAgent(
            self.signals,
            publisher,
            Positions(Rewinds()),
            breaker,
            namespace=Namespace(),
            min_users=self.min_users,
            clock_ms=Clock(),
        )
        for partition in range(PARTITIONS):
            records = list(self.log.read(SIGNALS, partition, 0, 10**6))
            if records:
                await agent.handle(records)
        self.log.publish(publisher.messages, PARTITIONS)

    def answer(self, user: str, seq: int, *, made_at: int = 0) -> None:
        """A list."""
        made = Recommendations(
            rec_id=f"r{seq}",
            user_id=user,
            seq=seq,
            kind="feed",
            generated_at_ms=NOON + 1000 * self.made + made_at,
            trigger=Trigger(event_id="e", type="click", item_id="i", occurred_at_ms=NOON),
            items=[],
            filtered={},
            degraded=[],
            model={},
            timings_ms={},
        )
        self.log.publish([Message(LISTS, user.encode(), encode(made))], PARTITIONS)

    def signal(self, signal: Uploaded | Changed) -> None:
        """A signal of an item in the log."""
        self.log.publish([self.signal_topic.message(signal)], PARTITIONS)

    async def profile(self, user: str) -> Profile:
        """What is stored of a user."""
        return (await self.profiles.load({home_of(user): [user]}))[home_of(user)].profiles[user]

    async def position(self, user: str) -> int:
        """The position of a user's partition."""
        return (await self.profiles.positions([home_of(user)]))[home_of(user)]

    async def store(self, profiles: Mapping[str, Profile], *, user: str = "u1", events: int = 0) -> None:
        """Store profiles behind everybody's back, with a position so many events further on."""
        position = await self.position(user)
        commit = ProfileCommit(home_of(user), position, position + events, profiles)
        assert await self.profiles.commit([commit]) == {}

    async def verify(self) -> Report:
        """What the verification says."""
        verification = Verification(
            self.log,
            self.profiles,
            self.signals,
            self.control_records,
            namespace=Namespace(),
            partitions=PARTITIONS,
            min_users=self.min_users,
            linking=self.linking,
            clock_ms=self.clock,
        )
        return await verification.verify()


def home_of(user: str) -> int:
    return partition_of_key(user.encode(), PARTITIONS)


async def world_at_work() -> World:
    """200 events and some items, all applied."""
    world = World()
    for name in ITEMS:
        world.signal(Uploaded(Item(name, NOON, owner="shop", embeddings={"fake@1": b"\0" * 16})))
    world.signal(Changed("i1", Change(NOON + 5, price=3.0)))
    world.stroll(200)
    await world.work()
    return world
