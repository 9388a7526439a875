"""Answers to picture queries, as workers publish them."""

from collections.abc import Sequence

from streams.wire.events import Recommendations, RecommendedItem, Region, Trigger


def item_of(name: str, score: float = 0.9) -> RecommendedItem:
    """An item of an answer."""
    return RecommendedItem(item_id=name, score=score, source="visual", explore=False, reasons=[])


def answer(
    regions: Sequence[Region],
    *,
    event_id: str = "e1",
    encoder: str | None = None,
    degraded: Sequence[str] = (),
    is_whole: bool = False,
) -> Recommendations:
    """The answer with these regions; one about the whole picture has their items and no regions."""
    return Recommendations(
        rec_id="r1",
        user_id="u1",
        seq=1,
        kind="similar",
        generated_at_ms=0,
        trigger=Trigger(event_id=event_id, type="query", item_id="q1", occurred_at_ms=0),
        items=[item for region in regions for item in region.items],
        filtered={},
        degraded=[*degraded],
        model={} if encoder is None else {"encoder": encoder},
        timings_ms={},
        regions=None if is_whole else [*regions],
    )
