"""Every public message: its topic, its direction, and examples of it for the documents.

Each example is one that the code can make or use: the tests compare it with what the agents publish.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from features.item import hash_of, key_of
from features.recommendation import Reason, RecommendedItem
from sightline_client.trends import Rising, Trends
from streams.wire.events import (
    Box,
    DeadLetter,
    ExperimentArm,
    Export,
    ExportedItem,
    Interaction,
    ItemChange,
    Only,
    PlaceInLog,
    PrivacyRequest,
    Receipt,
    Recommendations,
    Region,
    Trigger,
    Upload,
)
from streams.wire.topics import (
    DEAD_LETTERS,
    EXPORTS,
    INTERACTIONS,
    ITEMS,
    PRIVACY,
    RECEIPTS,
    RECOMMENDATIONS,
    TRENDS,
    UPLOADS,
    Topic,
)

NOON: Final = 1_767_268_800_000
LAMP: Final = RecommendedItem(
    item_id="i12",
    score=0.7421,
    source="visual",
    explore=False,
    reasons=[Reason(code="looks_like", similarity=0.7421)],
)
LEFT: Final = Box(x=0.0, y=0.25, width=0.5, height=0.5)
TINY: Final = Box(x=0.5, y=0.25, width=0.01, height=0.01)
TOO_SMALL: Final = "box: the box 0.5,0.25,0.01,0.01 is 6×5 pixels of a picture of 640×480: choose one of 16 or more"


@dataclass(frozen=True, slots=True)
class Message:
    """One public message; `action` is what Sightline does, `headers` are names with their meaning."""

    name: str
    topic: Topic
    action: Literal["receive", "send"]
    kind: type[msgspec.Struct]
    summary: str
    examples: tuple[msgspec.Struct, ...]
    headers: Mapping[str, str] = field(default_factory=dict)


MESSAGES: Final = (
    Message(
        "interaction",
        INTERACTIONS,
        "receive",
        Interaction,
        "A user did something with an item",
        (
            Interaction(
                event_id="c-1",
                type="click",
                user_id="u1",
                item_id="i9",
                occurred_at_ms=NOON,
                rec_id="4-48117",
                position=3,
                surface="home",
            ),
            Interaction(
                event_id="v-1",
                type="view",
                user_id="u1",
                item_id="i7",
                occurred_at_ms=NOON + 5_000,
                rec_id="4-48121",
                position=0,
            ),
            Interaction(
                event_id="v-2",
                type="view",
                user_id="u1",
                item_id="i4",
                occurred_at_ms=NOON + 60_000,
                dwell_ms=24_000,
                duration_ms=30_000,
                rec_id="4-48121",
                position=1,
            ),
            Interaction(
                event_id="b-1",
                type="purchase",
                user_id="u1",
                item_id="i9",
                occurred_at_ms=NOON + 90_000,
                amount=99.8,
                currency="EUR",
                quantity=2,
            ),
            Interaction(event_id="s-1", type="search", user_id="u1", occurred_at_ms=NOON, text="red shoes"),
            Interaction(event_id="c-2", type="rate", user_id="u1", item_id="i9", occurred_at_ms=NOON, rating=4.5),
        ),
        {"traceparent": "optional, W3C Trace Context: goes on with the list that the event leads to"},
    ),
    Message(
        "upload",
        UPLOADS,
        "receive",
        Upload,
        "A new picture, or a picture to search with",
        (
            Upload(
                event_id="n-1",
                item_id="i10",
                user_id="u2",
                occurred_at_ms=NOON,
                image_ref="products/i10.jpg",
                title="Red shoe",
                category="shoes",
                price=49.9,
                currency="EUR",
                attributes={"brand": "Acme", "material": "leather"},
            ),
            Upload(
                event_id="q-1",
                item_id="query-1",
                user_id="u1",
                occurred_at_ms=NOON,
                image_ref="queries/1.jpg",
                purpose="query",
                only=Only(max_price=60.0, attributes={"brand": "Acme"}, tag="shirt"),
            ),
            Upload(
                event_id="q-2",
                item_id="query-2",
                user_id="u1",
                occurred_at_ms=NOON,
                purpose="query",
                text="red checked shirt",
            ),
            Upload(
                event_id="q-3",
                item_id="query-3",
                user_id="u1",
                occurred_at_ms=NOON,
                image_ref="queries/room.jpg",
                purpose="query",
                box="salient",
            ),
            Upload(
                event_id="q-4",
                item_id="query-4",
                user_id="u1",
                occurred_at_ms=NOON,
                image_ref="queries/shelf.jpg",
                purpose="query",
                boxes=(LEFT, TINY),
            ),
        ),
    ),
    Message(
        "item-change",
        ITEMS,
        "receive",
        ItemChange,
        "Price, stock, visibility, text or deletion of an item",
        (
            ItemChange(event_id="s-1", item_id="i10", occurred_at_ms=NOON, price=39.9, in_stock=False),
            ItemChange(
                event_id="s-2",
                item_id="i10",
                occurred_at_ms=NOON,
                price=45.0,
                currency="USD",
                expires_at_ms=NOON + 86_400_000,
                description=None,
            ),
            ItemChange(event_id="s-4", item_id="i10", occurred_at_ms=NOON, attributes={"brand": "Acme", "size": "42"}),
            ItemChange(event_id="s-3", item_id="i11", occurred_at_ms=NOON, deleted=True),
        ),
    ),
    Message(
        "recommendations",
        RECOMMENDATIONS,
        "send",
        Recommendations,
        "A user's refreshed list, or the answer to a picture query",
        (
            Recommendations(
                rec_id="4-48121",
                user_id="u1",
                seq=48121,
                kind="feed",
                generated_at_ms=NOON + 3,
                trigger=Trigger(event_id="c-1", type="click", item_id="i9", occurred_at_ms=NOON),
                items=[
                    RecommendedItem(
                        item_id="i7",
                        score=1.7136,
                        source="visual",
                        explore=False,
                        reasons=[
                            Reason(code="looks_like", item_id="i9", similarity=0.9107),
                            Reason(code="same_colour", colour="red", strength=0.6),
                            Reason(code="same_category", category="shoes", strength=0.8),
                        ],
                    ),
                    RecommendedItem(
                        item_id="i4",
                        score=1.2046,
                        source="neighbours",
                        explore=False,
                        reasons=[
                            Reason(code="chosen_after", item_id="i9", strength=0.5213),
                            Reason(code="same_category", category="shoes", strength=0.8),
                        ],
                    ),
                    RecommendedItem(
                        item_id="i2",
                        score=0.1925,
                        source="trending",
                        explore=False,
                        reasons=[Reason(code="trending", strength=0.8), Reason(code="popular", strength=0.4)],
                    ),
                ],
                filtered={"unavailable": 1, "hidden": 1, "seen": 12},
                degraded=[],
                model={"encoder": "efficientnet-lite0@1", "ranker": "weighted@2"},
                timings_ms={"queue": 1.0, "load": 0.214, "candidates": 0.412, "rank": 0.187},
                experiment=ExperimentArm(name="looks-1", arm="control"),
            ),
            Recommendations(
                rec_id="similar-4-310",
                user_id="u1",
                seq=310,
                kind="similar",
                generated_at_ms=NOON + 41,
                trigger=Trigger(event_id="q-1", type="query", item_id="query-1", occurred_at_ms=NOON),
                items=[
                    RecommendedItem(
                        item_id="i7",
                        score=0.8812,
                        source="visual",
                        explore=False,
                        reasons=[Reason(code="looks_like", similarity=0.8812)],
                    ),
                ],
                filtered={},
                degraded=[],
                model={"encoder": "efficientnet-lite0@1", "ranker": "similar@1"},
                timings_ms={"total": 40.0},
            ),
            Recommendations(
                rec_id="similar-4-311",
                user_id="u1",
                seq=311,
                kind="similar",
                generated_at_ms=NOON + 63,
                trigger=Trigger(event_id="q-4", type="query", item_id="query-4", occurred_at_ms=NOON),
                items=[LAMP],
                filtered={},
                degraded=[],
                model={"encoder": "efficientnet-lite0@1", "ranker": "similar@1"},
                timings_ms={"total": 62.0},
                regions=[Region(box=LEFT, items=[LAMP]), Region(box=TINY, items=[], refused=TOO_SMALL)],
            ),
        ),
        {"traceparent": "that of the event, on a list of kind `feed`; absent if the event had none"},
    ),
    Message(
        "privacy-request",
        PRIVACY,
        "receive",
        PrivacyRequest,
        "What a user asks of us about what is known of them",
        (
            PrivacyRequest(event_id="p-1", type="forget", user_id="u1", occurred_at_ms=NOON),
            PrivacyRequest(event_id="p-2", type="export", user_id="u2", occurred_at_ms=NOON),
            PrivacyRequest(
                event_id="p-3",
                type="prefer",
                user_id="u2",
                occurred_at_ms=NOON,
                prefer={"shoes": 0.5, "i9": -1.0, "u7": 0.0},
            ),
        ),
    ),
    Message(
        "receipt",
        RECEIPTS,
        "send",
        Receipt,
        "A privacy request was carried out",
        (
            Receipt(
                user_hash=hash_of("u1"),
                type="forget",
                request=PlaceInLog(4, 7),
                applied=PlaceInLog(4, 48123),
                asked_ms=NOON,
                done_ms=NOON + 180,
                erased={"engaged": 12, "refused": 1, "seen": 40, "lists": 1, "event_ids": 32, "dials": 0, "owned": 2},
            ),
            Receipt(
                user_hash=hash_of("u2"),
                type="prefer",
                request=PlaceInLog(6, 4),
                applied=PlaceInLog(6, 51007),
                asked_ms=NOON,
                done_ms=NOON + 90,
                erased={"dials": 1},
                dials_set=2,
            ),
        ),
    ),
    Message(
        "export",
        EXPORTS,
        "send",
        Export,
        "The profile of a user who asked for it, and the items that the user owns",
        (
            Export(
                user_id="u2",
                request=PlaceInLog(6, 3),
                made_ms=NOON + 180,
                interactions=3,
                last_at_ms=NOON - 60_000,
                opted_out=False,
                forgotten_ms=None,
                engaged=[
                    ExportedItem(item_id="#5ca1ab1e0badcafe", weight=0.952, at_ms=NOON - 86_460_000),
                    ExportedItem(item_id="i9", weight=1.0, at_ms=NOON - 120_000),
                    ExportedItem(item_id="i10", weight=1.5, at_ms=NOON - 60_000),
                ],
                refused=[],
                seen=["#0badcafe", "i9", "i10"],
                seen_today=2,
                owned=["i10"],
                remembered_events=3,
                dials={"shirts": 1.0, f"#{key_of('u7'):016x}": -1.0},
            ),
        ),
    ),
    Message(
        "trends",
        TRENDS,
        "send",
        Trends,
        "What rises of one kind; the latest record of a key counts",
        (
            Trends(
                kind="categories",
                at_ms=NOON,
                rising=[Rising(name="shirts", lift=3.41, share=0.4125, items=["i7", "i12"])],
            ),
            Trends(kind="looks", at_ms=NOON, rising=[]),
        ),
    ),
    Message(
        "dead-letter",
        DEAD_LETTERS,
        "send",
        DeadLetter,
        "A message that could not be used, with its original bytes",
        (
            DeadLetter(
                reason="bad_json",
                error="not JSON in UTF-8: JSON is malformed: invalid character (byte 0)",
                topic=INTERACTIONS.name,
                partition=4,
                offset=48122,
                timestamp_ms=NOON,
                attempts=1,
                key=b"u1",
                value=b"click!",
                headers=[],
            ),
        ),
    ),
)
