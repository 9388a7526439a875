"""The hub in a small world: a catalogue of two colours, state in memory and a publisher that remembers."""

from collections.abc import Sequence

import msgspec
import numpy as np
from prometheus_client import REGISTRY

from features.co_choices.choice import Choice
from features.item import Item
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.experiment import Experiment
from inference.factors.file import Factors
from inference.ranking.model import RankerModel
from inference.recommender import Recommender
from inference.sequence.model import SequenceModel
from inference.shop_rules.rules import ShopRules
from state.memory import MemoryPartitions
from state.profiles import ProfileStore
from state.signals import SignalStore
from streams.interactions.agent import InteractionsAgent
from streams.interactions.behaviour_cache import BehaviourCache
from streams.interactions.feeds import FeedMaker
from streams.interactions.lessons import LessonMaker
from streams.interactions.lists import ListMaker
from streams.privacy.control_records import UNSIGNED, ControlRecords
from streams.privacy.receipts import Receipts
from streams.processing.breaker import Breaker, RefusalLimit
from streams.processing.positions import Positions
from streams.steps.feed import StepsFeed
from streams.wire.events import PrivacyRequest
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from streams.wire.signals import Chosen, SignalTopic, parse_signal
from streams.wire.steps import StepTopic
from tests.harness.fakes import NOON, Clock, FakePublisher, Rewinds, degradations, wire

PARTITIONS = 4
DIMENSIONS = 8
LENGTH = 5
REDS = [f"red{n}" for n in range(8)]
BLUES = [f"blue{n}" for n in range(8)]


def item(name: str, at: int, **changes: object) -> tuple[str, Item]:
    """A red or blue item; items of one colour are alike and never the same."""
    vector = np.zeros(DIMENSIONS, np.float32)
    vector[0 if name.startswith("red") else 1] = 1.0
    vector[2 + at % 6] = 0.5
    vector /= np.linalg.norm(vector)
    known: dict[str, object] = {
        "owner": "shop",
        "uploaded_at_ms": NOON - 1000 * at,
        "embeddings": {"fake@1": vector.astype("<f2").tobytes()},
    }
    return name, Item(name, NOON, **(known | changes))  # type: ignore[arg-type]  # a test's own fields


def two_colours() -> Catalog:
    catalog = Catalog(DIMENSIONS)
    catalog.apply([item(name, at) for at, name in enumerate(REDS + BLUES)])
    return catalog


class Hub:
    """An agent and all that it is made of."""

    def __init__(
        self,
        catalog: Catalog | None = None,
        *,
        control_records: ControlRecords = UNSIGNED,
        experiment: Experiment | None = None,
    ) -> None:
        self.experiment = experiment
        self.shop_rules: ShopRules | None = None
        self.partitions = MemoryPartitions()
        self.profiles = ProfileStore(self.partitions)
        self.publisher = FakePublisher()
        self.control_records = control_records
        self.rewinds = Rewinds()
        self.model: RankerModel | None = None
        self.factors: Factors | None = None
        self.sequence: SequenceModel | None = None
        self.catalog = two_colours() if catalog is None else catalog
        self.behaviour_cache = BehaviourCache(SignalStore(MemoryPartitions(), PARTITIONS), degradations())
        self.breaker = Breaker("events.interactions", RefusalLimit(least=20))
        self.feed = StepsFeed(RecentSteps(1000), Clock())
        self._fed = 0
        self.use(self.agent())

    def use(self, agent: InteractionsAgent) -> None:
        """Have this worker handle what comes."""
        self._agent = agent

    async def handle(self, records: Sequence[Record]) -> None:
        """Apply a batch and store it, as the worker does a moment later."""
        await self._agent.handle(records)
        await self._agent.store_loop.store()
        self.read_steps()

    def read_steps(self) -> None:
        """Read what was published to state.steps since the last time, as every worker does."""
        new = self.publisher.to("state.steps")[self._fed :]
        self._fed += len(new)
        for _ in self.feed.apply((message.partition or 0, message.value) for message in new):
            pass

    def lists(self) -> ListMaker:
        """What makes the lists of a worker."""
        recommender = Recommender(self.catalog, length=LENGTH, recent_steps=self.feed.ring)
        feeds = FeedMaker(
            self.behaviour_cache,
            recommender,
            None,
            model=lambda: self.model,
            trained={"factors": lambda: self.factors, "sequence": lambda: self.sequence},
            shop_rules=lambda: self.shop_rules,
            experiment=self.experiment,
            clock_ms=Clock(),
        )
        return ListMaker(feeds, namespace=Namespace())

    def agent(self, lists: ListMaker | None = None, lessons: LessonMaker | None = None) -> InteractionsAgent:
        """A worker on this state."""
        namespace, clock = Namespace(), Clock()
        signals = SignalTopic(namespace, PARTITIONS)
        return InteractionsAgent(
            self.profiles,
            Positions(self.rewinds),
            lists or self.lists(),
            Receipts(self.catalog, signals, namespace=namespace, clock_ms=clock),
            self.publisher,
            self.publisher,
            signals,
            StepTopic(namespace),
            self.breaker,
            self.control_records,
            lessons,
            namespace=namespace,
            partitions=PARTITIONS,
            clock_ms=clock,
        )

    async def position(self, partition: int = 0) -> int:
        """What the state says was applied."""
        return (await self.partitions.positions([partition]))[partition]

    async def engaged(self, user: str, partition: int = 0) -> list[int]:
        """The keys of the items that the user's stored profile holds."""
        loaded = (await self.profiles.load({partition: [user]}))[partition]
        return [int(key) for key in loaded.profiles[user].engaged["item"]]

    def choices(self) -> list[Choice]:
        """The choices published, in the order in which they were made; each goes to several partitions."""
        found = [parse_signal(message.value) for message in self.publisher.to("state.signals")]
        told = {each for signal in found if isinstance(signal, Chosen) for each in signal.choices}
        return sorted(told, key=lambda each: (each.source, each.sequence))


def click(user: str = "u1", thing: str = "red0", event: str | None = None, **changes: object) -> dict[str, object]:
    event = event or f"{user}-{thing}"
    made = {"event_id": event, "type": "click", "user_id": user, "item_id": thing, "occurred_at_ms": NOON}
    return made | changes


def record(offset: int, event: object, *, key: bytes | None = b"", partition: int = 0, **changes: object) -> Record:
    """A record as the broker has it; its key is the event's user unless another is given."""
    if key == b"" and isinstance(event, dict):
        key = str(event["user_id"]).encode()
    fields: dict[str, object] = {"after": offset - 1}
    return Record("events.interactions", partition, offset, NOON, key, wire(event), **(fields | changes))  # type: ignore[arg-type]


def ask(
    offset: int,
    kind: str,
    *,
    user: str = "u1",
    place: int = 5,
    control_records: ControlRecords = UNSIGNED,
    dials: dict[str, float] | None = None,
) -> Record:
    """A control record of a request made at NOON."""
    fields = {"event_id": f"p-{place}", "type": kind, "user_id": user, "occurred_at_ms": NOON, "prefer": dials}
    request = msgspec.convert(fields, PrivacyRequest)
    asked = Record("events.privacy", 1, place, NOON, user.encode(), b"")
    message = control_records.message(request, asked, namespace=Namespace())
    return Record("events.interactions", 0, offset, NOON, message.key, message.value, message.headers, offset - 1)


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0
