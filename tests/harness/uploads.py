"""A studio: the uploads agent with the fake encoder and a publisher that remembers, and pictures to send it."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.item import Item
from features.search_filter import SearchFilter
from features.vision.clips.decode import decode_clip
from features.vision.decode import Picture, Wanted, decode
from features.vision.descriptors.packed import describe
from features.vision.gate.policy import GatePolicy
from inference.catalog.catalog import Catalog
from inference.catalog.search import find_similar
from inference.classes.file import Classes
from inference.encoders.encoder import Encoding
from inference.shop_rules.rules import ShopRules
from state.errors import StateUnavailable
from streams.processing.breaker import Breaker, RefusalLimit
from streams.uploads.agent import UploadsAgent
from streams.uploads.clip_decoder import SeenClip
from streams.uploads.gate import Gate, ModelCheck
from streams.uploads.image_fetcher import Fetcher
from streams.uploads.object_store import Objects
from streams.uploads.picture_features import FeatureExtractor
from streams.uploads.picture_keeper import PictureKeeper
from streams.uploads.process_pool import DecoderUnavailable
from streams.uploads.queries.answering import QueryAnswerer
from streams.wire.events import SHOWN_BY
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from streams.wire.signals import SignalTopic, Uploaded, parse_signal
from tests.harness.encoder import FakeEncoder
from tests.harness.fakes import NOON, Clock, FakePublisher, wire
from tests.harness.gate_models import FakeModel
from tests.harness.words import FakeTower

PARTITIONS = 4
LENGTH = 5
RED, BLUE, WHITE = (205, 30, 40), (35, 85, 200), (255, 255, 255)


class CountingEncoder(FakeEncoder):
    """Counts the pictures it is asked for, and those of each batch; `become` another version."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.batches: list[int] = []

    def become(self, version: str) -> None:
        self._version = version

    async def encode(self, pixels: NDArray[np.uint8]) -> Encoding:
        self.calls += 1
        return await super().encode(pixels)

    async def encode_all(self, pixels: NDArray[np.uint8]) -> list[Encoding]:
        self.batches.append(len(pixels))
        return await super().encode_all(pixels)


class Studio:
    """An agent and all that it is made of."""

    def __init__(
        self,
        objects: Objects | None = None,
        fetcher: Fetcher | None = None,
        keeper: PictureKeeper | None = None,
        *,
        words: bool = True,
        reads_clips: bool = True,
        gate_setting: str = "",
        unsafe_from: float = 0.8,
    ) -> None:
        self.encoder = CountingEncoder()
        self.catalog = Catalog(256, words=words)
        self.publisher = FakePublisher()
        self.tower = FakeTower()
        self.safety, self.text = FakeModel(RED), FakeModel(BLUE)
        self.trouble: list[Exception] = []
        self.starting = 0
        self.decoded = 0
        self.wanted: list[Wanted] = []
        self.is_index_away = False
        self.classes: Classes | None = None
        self.shop_rules: ShopRules | None = None
        self.breaker = Breaker("events.uploads", RefusalLimit(least=20))
        policy = GatePolicy.parse(gate_setting)
        scores, least = {"unsafe": self.safety.score, "text": self.text.score}, {"unsafe": unsafe_from, "text": 0.35}
        checks = [ModelCheck(fault, scores[fault], least[fault], self._report) for fault in policy.asked]
        gate = Gate(policy, checks)
        extractor = FeatureExtractor(
            self.encoder,
            self._decode,
            Objects(None) if objects is None else objects,
            Fetcher(()) if fetcher is None else fetcher,
            self._report,
            keeper,
            gate,
            self._decode_clip if reads_clips else None,
        )
        queries = QueryAnswerer(
            extractor,
            self.catalog,
            self._find_similar,
            list_length=LENGTH,
            shop_rules=lambda: self.shop_rules,
            embed=self.tower.embed if words else None,
            clock_ms=Clock(NOON + 40),
        )
        self.agent = UploadsAgent(
            extractor,
            queries,
            self.catalog,
            self.publisher,
            SignalTopic(Namespace(), PARTITIONS),
            self.breaker,
            gate,
            namespace=Namespace(),
            classes=lambda: self.classes,
        )

    async def handle(self, records: Sequence[Record]) -> None:
        """As a worker has it done."""
        answers = await self.agent.answer(records)
        await self.agent.publish(answers)
        await self.agent.finish(answers)

    async def _decode(self, data: bytes, wanted: Wanted) -> Picture:
        """In this process; unavailable as often as `starting` says."""
        if self.starting:
            self.starting -= 1
            raise DecoderUnavailable("no process can be started")
        self.decoded += 1
        self.wanted.append(wanted)
        picture = decode(data, wanted)
        return replace(picture, descriptors=tuple(map(describe, picture.views)))

    async def _decode_clip(self, data: bytes, wanted: Wanted) -> SeenClip:
        """In this process."""
        self.decoded += 1
        clip = decode_clip(data, keep=wanted.keep, tiles=wanted.tiles)
        return SeenClip(clip.frames, clip.duration_ms, clip.kept, describe(clip.frames[0]), clip.judged, clip.tiles)

    async def _find_similar(
        self, query: NDArray[np.float32], count: int, search_filter: SearchFilter
    ) -> NDArray[np.int64]:
        """In this process; unavailable when the test says so."""
        if self.is_index_away:
            raise StateUnavailable("nobody there")
        return await find_similar(self.catalog, query, count, search_filter)

    async def _report(self, error: Exception) -> None:
        """Triton is back after the second complaint."""
        self.trouble.append(error)
        if len(self.trouble) == 2:
            self.encoder.failure = self.safety.failure = None

    def items(self) -> list[Item]:
        """The items passed on."""
        found = [parse_signal(message.value) for message in self.publisher.to("state.signals")]
        return [signal.item for signal in found if isinstance(signal, Uploaded)]

    def reasons(self) -> list[str]:
        """Why messages were refused."""
        return [letter.reason for letter in self.publisher.dead_letters()]


def shirt(colour: tuple[int, int, int] = RED, format_: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    """A picture of one colour on a white wall."""
    image = Image.new("RGB", (300, 300), WHITE)
    image.paste(colour, (60, 60, 240, 240))
    buffer = BytesIO()
    image.convert(mode).save(buffer, format_, **options)
    return buffer.getvalue()


def upload(item: str = "i1", picture: bytes | None = None, **changes: object) -> dict[str, object]:
    made: dict[str, object] = {"event_id": f"n-{item}", "item_id": item, "user_id": "u1", "occurred_at_ms": NOON - 50}
    if changes.keys().isdisjoint(SHOWN_BY):
        made["image"] = base64.b64encode(shirt() if picture is None else picture).decode()
    return made | changes


def record(offset: int, event: object, *, key: bytes | None = b"") -> Record:
    """A record as the broker has it; its key is the event's item unless another is given."""
    if key == b"" and isinstance(event, dict):
        key = str(event["item_id"]).encode()
    return Record("events.uploads", 2, offset, NOON, key, wire(event), (("tenant", b"a"),), offset - 1)


def words_query(text: object, **changes: object) -> Record:
    """A query by words alone."""
    asked = upload("q1", None, purpose="query", user_id="u7", text=text, **changes)
    del asked["image"]
    return record(9, asked, key=b"u7")


def query(picture: bytes, **changes: object) -> Record:
    return record(9, upload("q1", picture, purpose="query", user_id="u7", **changes), key=b"u7")
