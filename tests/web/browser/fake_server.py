"""The web door as docs/http.md says it, on a world in memory; tests turn it slow, away or refusing."""

import asyncio
import base64
import hashlib
import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from litestar import Litestar, Request, Response, get, post, put
from litestar.di import Provide
from litestar.params import FromPath, FromQuery
from litestar.response import Stream
from litestar.types import ASGIApp

from features.vision.clips.containers import is_clip
from features.vision.formats import HEAD_BYTES
from tests.harness.documented import Documented
from tests.harness.serving import Serving
from tests.web.browser.fake_world import FakeItem, FakeWorld, tags_of, webp
from web.access.headers import POLICY
from web.ids import DEPENDENCIES, EncodedPaths, ItemId, UserId
from web.page.page import page_handlers

R = Request[Any, Any, Any]


def problem(status: int, title: str, detail: str, **headers: str) -> Response[Any]:
    said = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(said, status_code=status, media_type="application/problem+json", headers=headers)


class FakeServer:
    """Serves from a thread of its own; `stop` and `start` again keep the address."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        self.refusing: Response[Any] | None = None
        self.slow_s = 0.0
        self.only: dict[str, str] | None = None
        self.refused_upload: dict[str, str] | None = None
        self.operations: dict[str, Any] = {"workers": [{"address": "web", "up": True, "metrics": {}}]}
        self.receipt: dict[str, Any] = {}
        self.port = 0
        #: How answers are unlike docs/openapi.json.
        self.unlike: list[str] = []
        self._serving: Serving | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._serving = Serving(self._app(), self.port)
        self.port = self._serving.port

    def stop(self) -> None:
        assert self._serving is not None
        self._serving.stop()

    def _app(self) -> ASGIApp:
        async def before(request: R) -> Response[Any] | None:
            await asyncio.sleep(self.slow_s if request.url.path.startswith("/v1/") else 0)
            return self.refusing if request.url.path.startswith("/v1/") else None

        def after(response: Any) -> Any:
            response.headers["content-security-policy"] = POLICY
            return response

        handlers = [*page_handlers(), *self._lists(), *self._items(), *self._users()]
        app = Litestar(
            handlers,
            dependencies={name: Provide(read) for name, read in DEPENDENCIES.items()},
            before_request=before,
            after_request=after,
            openapi_config=None,
            logging_config=None,
        )
        documented = Documented(EncodedPaths(app))
        self.unlike = documented.unlike
        return documented

    def _lists(self) -> list[Any]:
        world = self.world

        @get("/v1/users/{user_id:str}/recommendations")
        async def made(user: UserId, cursor: FromQuery[str] = "0", count: FromQuery[int] = 20) -> dict[str, Any]:
            return world.made(user, int(cursor), count)

        @get("/v1/users/{user_id:str}/recommendations/stream")
        async def stream(request: R, user: UserId) -> Stream:
            has = int(request.headers.get("last-event-id", "0"))
            return Stream(self._pushes(user, has), media_type="text/event-stream")

        @post("/v1/events", status_code=202)
        async def events(request: R) -> dict[str, Any]:
            event = await request.json()
            world.take(event)
            return {"accepted": 1, "event_ids": [event["event_id"]], "refused": []}

        @get("/v1/search")
        async def search(q: FromQuery[str], count: FromQuery[int] = 24, tag: FromQuery[str] = "") -> dict[str, Any]:
            every = [item for item in world.items.values() if tag in ("", item.category)]
            found = [item for item in every if set(q.lower().split()) & set(item.title.lower().split())]
            return self._answer(found[:count], {"code": "looks_like", "similarity": 0.31, "by": {"words": 0.31}})

        @get("/v1/items/{item_id:str}/similar")
        async def similar(item: ItemId, count: FromQuery[int] = 24) -> dict[str, Any]:
            return self._like(world.items[item], count)

        @post("/v1/similar", status_code=200)
        async def by_photo(request: R) -> Any:
            asked, data = {}, await request.body()
            if not request.headers["content-type"].startswith("image/"):
                asked = json.loads(data)
                data = base64.b64decode(asked["image"])
            try:
                webp(data)
            except OSError:
                return problem(422, "The query was refused", "it is neither JPEG, PNG, WebP nor GIF: send a picture")
            self.only = asked.get("only")
            items = list(world.items.values())
            if asked.get("box") == "salient":
                answer = self._like(items[7], 24)
                box = {"x": 0.25, "y": 0.5, "width": 0.5, "height": 0.25}
                return answer | {"regions": [{"box": box, "items": answer["items"]}]}
            return self._like(items[5 if "box" in asked else 12], 24)

        return [made, stream, events, search, similar, by_photo]

    async def _pushes(self, user: str, has: int) -> AsyncIterator[bytes]:
        yield b"retry: 100\n\n"
        while True:
            newest = next(iter(self.world.user(user).pushed[-1:]), None)
            if newest is not None and newest["seq"] > has:
                has = newest["seq"]
                yield f"event: list\nid: {has}\ndata: {json.dumps(newest)}\n\n".encode()
            elif newest is None and has:
                has = 0
                yield b"event: withdrawn\ndata: {}\n\n"
            await asyncio.sleep(0.004)

    def _like(self, item: FakeItem, count: int) -> dict[str, Any]:
        likeness = {each.item_id: self.world.likeness(item, each) for each in self.world.items.values()}
        found = sorted((i for i in self.world.items.values() if i is not item), key=lambda i: -likeness[i.item_id])
        return self._answer(found[:count], {"code": "looks_like", "item_id": item.item_id, "similarity": 0.8})

    def _answer(self, items: list[FakeItem], reason: dict[str, Any]) -> dict[str, Any]:
        slots = [self.world.slot(item.item_id, 0.5, [reason]) for item in items]
        return {"items": slots, "degraded": [], "model": {}, "timings_ms": {"total": 2.0}}

    def _items(self) -> list[Any]:
        world = self.world

        @get("/v1/items")
        async def facts(ids: FromQuery[list[str]]) -> dict[str, Any]:
            return {"items": {item: self._facts(world.items[item]) for item in ids if item in world.items}}

        @get("/v1/items/{item_id:str}/picture")
        async def picture(item: ItemId) -> Response[bytes]:
            headers = {"cache-control": "public, max-age=31536000, immutable"}
            return Response(world.items[item].webp, media_type="image/webp", headers=headers)

        @put("/v1/items/{item_id:str}/picture", status_code=202)
        async def upload(request: R, item: ItemId, title: FromQuery[str]) -> Any:
            data = await request.body()
            try:
                if is_clip(data[:HEAD_BYTES]):
                    world.items[item] = replace(
                        next(iter(world.items.values())), item_id=item, title=title, clip_ms=3200
                    )
                else:
                    world.items[item] = FakeItem(item, title, "uploads", "red", None, webp(data))
            except OSError:
                self.refused_upload = {"reason": "bad_image", "error": "text is no picture"}
            return {"item_id": item, "event_id": "u-1", "stages": f"/v1/items/{item}/stages?event_id=u-1"}

        @get("/v1/items/{item_id:str}/stages")
        async def stages(item: ItemId) -> Stream:
            async def said() -> AsyncIterator[bytes]:
                yield b"event: accepted\ndata: {}\n\n"
                await asyncio.sleep(0.05)
                refused = self.refused_upload
                name = "searchable" if refused is None else "refused"
                yield f"event: {name}\ndata: {json.dumps(refused or {'ms': 48.0})}\n\n".encode()

            return Stream(said(), media_type="text/event-stream")

        return [facts, picture, upload, stages]

    def _facts(self, item: FakeItem) -> dict[str, Any]:
        url = f"/v1/items/{item.item_id}/picture?size=preview&v={hashlib.sha256(item.webp).hexdigest()[:12]}"
        return {
            "item_id": item.item_id, "title": item.title, "category": item.category, "price": item.price,
            "currency": "EUR" if item.price else None, "description": None,
            "tags": tags_of(item), "colours": [], "attributes": {},
            "in_stock": True, "hidden": False, "held": False, "deleted": False, "searchable": True,
            "expires_at_ms": None, "uploaded_at_ms": None, "clip_ms": item.clip_ms,
            "picture": {"url": url, "preview_url": url, "width": 240, "height": 240},
        }  # fmt: skip

    def _users(self) -> list[Any]:
        world = self.world

        @get("/v1/users/{user_id:str}")
        async def profile(user: UserId) -> dict[str, Any]:
            return world.profile(user)

        @get("/v1/users/{user_id:str}/explain/{item_id:str}")
        async def explain(user: UserId, item: ItemId) -> dict[str, Any]:
            return self._explained(user, item)

        @post("/v1/users/{user_id:str}/{kind:str}", status_code=202)
        async def request(request: R, user: UserId, kind: FromPath[str]) -> dict[str, Any]:
            number, before, now = uuid.uuid4().hex, world.user(user), time.time_ns() // 1_000_000
            if kind == "prefer":
                before.dials |= (await request.json())["prefer"]
                before.dials = {name: weight for name, weight in before.dials.items() if weight}
            else:
                world.users.pop(user)
            erased = {
                "engaged": len(before.engaged),
                "seen": len(before.chosen),
                "dials": 0,
                "lists": len(before.pushed),
            }
            place = {"partition": 2, "offset": 41}
            self.receipt = {
                "user_hash": hashlib.sha256(user.encode()).hexdigest()[:32], "type": kind, "request": place,
                "applied": place, "asked_ms": now, "done_ms": now + 12, "erased": erased, "dials_set": 0,
            }  # fmt: skip
            return {"request_id": number, "receipt": f"/v1/users/{user}/receipts/{number}"}

        @get("/v1/users/{user_id:str}/receipts/{number:str}")
        async def receipt(user: UserId, number: FromPath[str], wait: FromQuery[float] = 0) -> dict[str, Any]:
            return self.receipt

        @get("/v1/operations")
        async def operations() -> dict[str, Any]:
            return self.operations

        return [profile, explain, request, receipt, operations]

    def _explained(self, user: str, item: str) -> dict[str, Any]:
        made = self.world.made(user)
        slots = [self._slot(number, slot) for number, slot in enumerate(made["items"], 1)]
        place = next((slot["slot"] for slot in slots if slot["item"]["item_id"] == item), None)
        standing = None
        if place is None and item in self.world.items:
            score = {
                "score": 0.04,
                "signals": [{"code": "popular", "value": 0.1, "adds": 0.04, "share": 1.0}],
                "others": 0,
            }
            standing = {"rank": 31, "candidates": 58, "compared": 58, "score": score, "last": slots[-1]}
        verdict = "in_list" if place else "below_last_slot" if standing else "not_a_candidate"
        looks = "proposed" if place else "less_similar"
        sources = [
            {"source": "visual", "code": looks, "proposals": 40, "similarity": 0.42, "weakest": 0.61},
            {"source": "neighbours", "code": "no_neighbour", "proposals": 12, "latest": 5, "known": 3},
            {"source": "popular", "code": "lower_rank", "proposals": 32, "rank": 41},
        ]  # fmt: skip
        obstacles = [] if item in self.world.items else [{"code": "not_in_catalogue"}]
        about = {
            "item_id": item, "verdict": verdict, "slot": place, "obstacles": obstacles, "repeats": None,
            "sources": sources if item in self.world.items else [], "standing": standing,
        }  # fmt: skip
        return {
            "user_id": user, "known": True, "opted_out": False, "model": made["model"], "slots": slots,
            "candidates": 58, "filtered": {}, "arm": None, "item": about,
        }  # fmt: skip

    def _slot(self, number: int, slot: dict[str, Any]) -> dict[str, Any]:
        signals = [
            {"code": "looks_like", "value": 0.9, "adds": 0.61, "share": 0.62},
            {"code": "same_category", "value": 0.5, "adds": 0.25, "share": 0.25},
            {"code": "popular", "value": 0.4, "adds": 0.13, "share": 0.13},
        ]
        score = {"score": 0.95, "signals": signals, "others": -0.04}
        return {"slot": number, "item": slot, "proposed_by": ["visual"], "score": score}
