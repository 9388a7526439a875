"""Words are embedded once, for the text that the item has, and late where the tower is away."""

import numpy as np
import pytest
from prometheus_client import REGISTRY

from features.item import Change, Item, apply_change
from features.words.item_words import VERSION
from inference.errors import BadEmbedding, EncoderUnavailable
from state.codec import encode_item
from streams.items.reducer import ItemEffects
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from streams.wire.signals import SignalTopic, Worded, parse_signal
from streams.words.agent import WordsAgent
from tests.harness.fakes import NOON, FakePublisher
from tests.harness.words import FakeTower, meaning, words


class Desk:
    """An agent and all that it is made of."""

    def __init__(self) -> None:
        self.tower = FakeTower()
        self.publisher = FakePublisher()
        self.agent = WordsAgent(self.tower.embed, self.publisher, SignalTopic(Namespace(), 4))

    async def handle(self, *items: Item | bytes | None) -> None:
        values = [encode_item(item) if isinstance(item, Item) else item for item in items]
        await self.agent.handle(
            [Record("state.catalog", 0, n, NOON, b"i1", value, (), n - 1) for n, value in enumerate(values)]
        )

    def signals(self) -> list[Worded]:
        found = [parse_signal(message.value) for message in self.publisher.to("state.signals")]
        return [signal for signal in found if isinstance(signal, Worded)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def item(name: str = "i1", **facts: object) -> Item:
    return Item(name, NOON, **facts)  # type: ignore[arg-type]  # literal values of the tests


async def test_title_and_description_are_embedded_together(desk: Desk) -> None:
    await desk.handle(item(title="Red shirt", description="Of soft cotton"))
    (signal,) = desk.signals()
    assert desk.tower.asked == ["Red shirt. Of soft cotton"]
    vector = meaning("red shirt")
    assert vector is not None
    assert (signal.item_id, signal.words.version) == ("i1", VERSION)
    assert signal.words.vector == vector.astype("<f2").tobytes()


async def test_what_has_its_vector_says_nothing_or_is_gone_is_passed_over(desk: Desk) -> None:
    done = item("done", title="Red shirt", words=words("Red shirt"))
    await desk.handle(done, item("bare"), item("blank", title=" "), None, b"{")
    assert (desk.tower.asked, desk.publisher.messages) == ([], [])


async def test_the_vector_of_another_tower_is_made_again(desk: Desk) -> None:
    await desk.handle(item(title="Red shirt", words=words("Red shirt", version="another@1")))
    assert [signal.words for signal in desk.signals()] == [words("Red shirt")]


async def test_of_several_records_of_an_item_the_last_counts(desk: Desk) -> None:
    await desk.handle(item(title="Red shirt"), item(title="Blue shirt"))
    assert desk.tower.asked == ["Blue shirt"]


async def test_a_text_that_nothing_can_be_read_of_is_asked_for_once(desk: Desk) -> None:
    await desk.handle(item(title="👕"))
    (signal,) = desk.signals()
    assert signal.words == words("👕")
    await desk.handle(item(title="👕", words=signal.words))
    assert desk.tower.asked == ["👕"]


async def test_while_the_tower_is_away_words_wait_and_come_later(desk: Desk) -> None:
    desk.tower.failure, desk.tower.times = EncoderUnavailable("nobody there"), 2
    await desk.handle(item(title="Red shirt"))
    assert (len(desk.tower.asked), len(desk.signals())) == (3, 1)


async def test_a_vector_that_cannot_be_used_is_counted_and_holds_nothing_up(desk: Desk) -> None:
    before = REGISTRY.get_sample_value("sightline_words_total", {"outcome": "refused"}) or 0.0
    desk.tower.failure, desk.tower.times = BadEmbedding("NaN"), 1
    await desk.handle(item("i1", title="Red shirt"), item("i2", title="Blue shoe"))
    assert [signal.item_id for signal in desk.signals()] == ["i2"]
    assert REGISTRY.get_sample_value("sightline_words_total", {"outcome": "refused"}) == before + 1


async def test_what_follows_changes_the_item_once(desk: Desk) -> None:
    said = item(title="Red shirt")
    await desk.handle(said)
    (signal,) = desk.signals()
    effects = ItemEffects(stored_items={"i1": said})
    effects.word(signal)
    worded = effects.items["i1"]
    assert worded.words == words("Red shirt")
    assert np.isclose(np.linalg.norm(np.frombuffer(signal.words.vector, "<f2").astype(np.float32)), 1, atol=1e-3)
    again = ItemEffects(stored_items={"i1": worded})
    again.word(signal)
    assert again.items["i1"] == worded


def test_the_vector_of_words_that_the_item_no_longer_says_changes_nothing() -> None:
    signal = Worded("i1", words("Red shirt"))
    for now in (
        item(title="Blue shirt"),
        apply_change(item(title="Red shirt"), "i1", Change(NOON, deleted=True)),
        None,
    ):
        effects = ItemEffects(stored_items={} if now is None else {"i1": now})
        effects.word(signal)
        assert effects.items == {}
