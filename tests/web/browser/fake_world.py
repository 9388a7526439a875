"""A small recommender in memory, for tests of what the page shows: it knows categories and colours."""

import io
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from PIL import Image

from benchmarks.world.pictures import draw_catalogue

COUNT = 60
LENGTH = 20
PAGE = 240
_WEIGHTS = {"click": 1.0, "like": 2.0, "hide": -3.0, "dislike": -2.0}


@dataclass(slots=True)
class FakeItem:
    item_id: str
    title: str
    category: str
    colour: str
    price: float | None
    webp: bytes
    clip_ms: int | None = None


@dataclass(slots=True)
class FakeUser:
    chosen: list[tuple[str, str]] = field(default_factory=list)
    dials: dict[str, float] = field(default_factory=dict)
    event_ids: set[str] = field(default_factory=set)
    pushed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def refused(self) -> list[str]:
        return [item for item, kind in self.chosen if _WEIGHTS[kind] < 0]

    @property
    def engaged(self) -> list[str]:
        return [item for item, kind in self.chosen if _WEIGHTS[kind] > 0]


@cache
def drawn_items() -> tuple[FakeItem, ...]:
    """The drawn catalogue, small: it is drawn once a process."""
    return tuple(
        FakeItem(each.item_id, each.title, each.category, each.colour, each.price, webp(each.jpeg))
        for each in draw_catalogue(COUNT, seed=3)
    )


def webp(picture: bytes) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").resize((PAGE, PAGE)).save(out, "WEBP", quality=80)
    return out.getvalue()


class FakeWorld:
    """Items and users; `degraded` and `answers` (false: no worker reads clicks) are turned by tests."""

    def __init__(self) -> None:
        self.items = {item.item_id: item for item in drawn_items()}
        self.users: dict[str, FakeUser] = {}
        self.degraded: list[str] = []
        self.answers = True
        self.events = 0

    def user(self, user_id: str) -> FakeUser:
        return self.users.setdefault(user_id, FakeUser())

    def take(self, event: dict[str, Any]) -> None:
        """Apply an event, and push the list that follows from it."""
        user = self.user(event["user_id"])
        if event["event_id"] in user.event_ids:
            return
        user.event_ids.add(event["event_id"])
        user.chosen.append((event["item_id"], event["type"]))
        self.events += 1
        if self.answers:
            user.pushed.append(self._pushed(event["user_id"], event))

    def _pushed(self, user_id: str, event: dict[str, Any]) -> dict[str, Any]:
        made = self.made(user_id)
        trigger = {name: event[name] for name in ("event_id", "type", "item_id", "occurred_at_ms")}
        timings = {"queue": 1.0, "load": 0.4, "candidates": 1.1, "rank": 0.7}
        seq = len(self.user(user_id).pushed) + 1
        kept = {name: made[name] for name in ("user_id", "items", "generated_at_ms", "filtered", "degraded", "model")}
        return {**kept, "rec_id": f"0-{seq}", "seq": seq, "kind": "feed", "trigger": trigger, "timings_ms": timings}

    def made(self, user_id: str, start: int = 0, count: int = LENGTH) -> dict[str, Any]:
        """The list of a user now."""
        user = self.user(user_id)
        known = {item for item, _ in user.chosen}
        scores = {item: self.score(user, item) for item in self.items if item not in known}
        ordered = sorted(scores, key=lambda item: -scores[item][0])
        shown = [item for item in ordered if scores[item][0] > -1]
        slots = [self.slot(item, *scores[item]) for item in shown[start : start + count]]
        filtered = {"seen": len(known), "like_refused": len(ordered) - len(shown)}
        return {
            "user_id": user_id,
            "known": bool(user.chosen),
            "opted_out": False,
            "items": slots,
            "cursor": str(start + count) if start + count < len(shown) else None,
            "generated_at_ms": time.time_ns() // 1_000_000,
            "filtered": {name: count for name, count in filtered.items() if count},
            "degraded": self.degraded,
            "model": {"encoder": "fake@1", "ranker": "fake@1"},
            "timings_ms": {"profile": 0.3, "candidates": 0.9, "rank": 0.6, "total": 1.8},
        }

    def slot(self, item: str, score: float, reasons: list[dict[str, Any]]) -> dict[str, Any]:
        return {"item_id": item, "score": score, "source": "visual", "explore": False, "reasons": reasons}

    def score(self, user: FakeUser, item_id: str) -> tuple[float, list[dict[str, Any]]]:
        """What an item is worth to a user, and why."""
        item, total, nearest = self.items[item_id], 0.0, (0.0, "")
        for number, (other_id, kind) in enumerate(user.chosen):
            likeness = self.likeness(item, self.items.get(other_id))
            total += likeness * _WEIGHTS[kind] * 0.8 ** (len(user.chosen) - 1 - number)
            nearest = max(nearest, (likeness if _WEIGHTS[kind] > 0 else 0.0, other_id))
        total += user.dials.get(item.category, 0.0)
        tie = (hash_of(item_id) % 1000) / 10_000
        reasons: list[dict[str, Any]] = [{"code": "popular", "strength": round(tie * 10, 2)}]
        if nearest[0] > 0.3:
            reasons.insert(0, {"code": "looks_like", "item_id": nearest[1], "similarity": nearest[0]})
        return round(total + tie, 4), reasons

    def likeness(self, item: FakeItem, other: FakeItem | None) -> float:
        if other is None:
            return 0.0
        return 0.55 * (item.category == other.category) + 0.36 * (item.colour == other.colour)

    def profile(self, user_id: str) -> dict[str, Any]:
        user = self.user(user_id)
        shares = Counter(self.items[item].category for item in user.engaged if item in self.items)
        medoids = {self.items[item].category: item for item in user.engaged if item in self.items}
        total = sum(shares.values()) or 1
        interests = [self._interest(medoids[name], count / total) for name, count in shares.most_common(4)]
        return {
            "user_id": user_id, "known": bool(user.chosen), "opted_out": False, "interactions": len(user.chosen),
            "last_at_ms": None, "interests": interests, "dials": user.dials, "seen": len(user.chosen),
            "categories": {name: round(count / total, 3) for name, count in shares.most_common()},
            "engaged": [{"item_id": item, "weight": 1.0, "at_ms": 0} for item in user.engaged],
            "refused": [{"item_id": item, "weight": 2.0, "at_ms": 0} for item in user.refused], "refused_before": 0,
        }  # fmt: skip

    def _interest(self, item_id: str, share: float) -> dict[str, Any]:
        item = self.items[item_id]
        return {"share": round(share, 3), "item_id": item_id, "tags": tags_of(item), "colours": [[item.colour, 0.7]]}


def tags_of(item: FakeItem) -> list[dict[str, Any]]:
    """What its picture shows, in both languages."""
    return [{"name": item.category, "chinese": f"类{item.category}", "probability": 0.8}]


def hash_of(text: str) -> int:
    return sum((place + 1) * ord(letter) * 31 for place, letter in enumerate(text))
