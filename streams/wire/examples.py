"""Every public message: its topic, its direction, and examples of it for the documents."""

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from features.item import hash_of
from features.recommendation import Reason, RecommendedItem
from streams.wire.events import (
    DeadLetter,
    Export,
    ExportedItem,
    Interaction,
    ItemChange,
    PlaceInLog,
    PrivacyRequest,
    Receipt,
    Recommendations,
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
    UPLOADS,
    Topic,
)

NOON: Final = 1_767_268_800_000


@dataclass(frozen=True, slots=True)
class Message:
    """One public message: where it flows, in which direction seen from Sightline, and how it looks."""

    name: str
    topic: Topic
    action: Literal["receive", "send"]
    kind: type[msgspec.Struct]
    summary: str
    examples: tuple[msgspec.Struct, ...]


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
                rec_id="r-7",
                position=3,
                surface="home",
            ),
            Interaction(event_id="c-2", type="rate", user_id="u1", item_id="i9", occurred_at_ms=NOON, rating=4.5),
        ),
    ),
    Message(
        "upload",
        UPLOADS,
        "receive",
        Upload,
        "A new picture or clip, or a picture to search with",
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
            ),
            Upload(
                event_id="q-1",
                item_id="query-1",
                user_id="u1",
                occurred_at_ms=NOON,
                image_ref="queries/1.jpg",
                purpose="query",
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
            ItemChange(event_id="s-2", item_id="i11", occurred_at_ms=NOON, deleted=True),
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
                rec_id="r-8",
                user_id="u1",
                seq=48121,
                kind="feed",
                generated_at_ms=NOON + 3,
                trigger=Trigger(event_id="c-1", type="click", item_id="i9", occurred_at_ms=NOON),
                items=[
                    RecommendedItem(
                        item_id="i7",
                        score=0.83,
                        source="visual",
                        explore=False,
                        reasons=[Reason(code="looks_like", item_id="i9", similarity=0.91)],
                    )
                ],
                filtered={"seen": 12, "hidden": 1},
                degraded=[],
                model={"encoder": "efficientnet-lite0@1", "ranker": "online@3"},
                timings_ms={"queue": 0.4, "load": 0.3, "candidates": 0.5, "rank": 0.3, "publish": 1.1},
            ),
        ),
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
                user_hash="53199585bddea28e67fe7143a42baef7",
                type="forget",
                request=PlaceInLog(4, 7),
                applied=PlaceInLog(4, 48123),
                asked_ms=NOON,
                done_ms=NOON + 180,
                erased={"engaged": 12, "refused": 1, "seen": 40, "lists": 1, "event_ids": 53, "dials": 0, "owned": 2},
            ),
            Receipt(
                user_hash=hash_of("u2"),
                type="prefer",
                request=PlaceInLog(1, 4),
                applied=PlaceInLog(1, 51007),
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
        "All that is kept of a user who asked for it",
        (
            Export(
                user_id="u2",
                request=PlaceInLog(1, 3),
                made_ms=NOON + 180,
                interactions=2,
                last_at_ms=NOON - 60_000,
                opted_out=False,
                forgotten_ms=None,
                engaged=[ExportedItem(item_id="i9", weight=1.0, at_ms=NOON - 60_000)],
                refused=[],
                seen=["i9", "#0badcafe"],
                owned=["i10"],
                remembered_events=2,
                dials={"shoes": 0.5, "#5ca1ab1e0badcafe": -1.0},
            ),
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
