"""The web door on fakes: the app in this process, over state in memory and a tail that tests fill."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from litestar.types import ASGIApp

from sightline_client.routing import partition_of
from state.memory import MemoryPartitions
from state.signals import SignalStore
from streams.pictures.incoming import Incoming
from streams.settings import Settings
from streams.web_door.keys import WebKey, key_hash
from streams.wire.namespace import Namespace
from tests.harness.inlets import FakeKafka
from tests.harness.interactions import PARTITIONS, Hub, click, record
from web.access.tokens import UserTokens
from web.app import make_app
from web.parts import Parts
from web.pictures.shown import ShownPictures
from web.publishing.inlet import Inlet
from web.tail.tail import Tail

#: What no test may read from the environment.
SETTINGS: dict[str, Any] = {"partitions": PARTITIONS, "kafka": None, "redis": None, "triton": None, "web_rate": 1e6}

#: A door with keys and tokens.
LOCKED: dict[str, Any] = {
    "web_keys": WebKey("shop", frozenset({"publish", "read"}), key_hash("sightline_key-of-a-shop")).entry(),
    "web_token_key": "t" * 32,
}


class Door:
    """An app and all that it is made of. `hub` is the worker beside it, on the same profiles."""

    def __init__(
        self, *, pictures: ShownPictures | None = None, incoming: Incoming | None = None, **settings: Any
    ) -> None:
        self.hub = Hub()
        #: What requests publish.
        self.kafka = FakeKafka()
        self.tail = Tail()
        self.not_ready: list[str] = []
        feeds = self.hub.lists().feeds
        self.parts = Parts(
            settings=Settings(**(SETTINGS | settings)),
            namespace=Namespace(),
            catalog=self.hub.catalog,
            feeds=feeds,
            profiles=self.hub.profiles,
            signals=SignalStore(MemoryPartitions(), PARTITIONS),
            inlet=Inlet(self.kafka, Namespace(), answer_s=0.05),
            tail=self.tail,
            pictures=pictures,
            incoming=incoming,
            not_ready=lambda: self.not_ready,
        )
        self.app: ASGIApp = make_app(self.parts)

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the app."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", **options) as client:
            yield client

    def token(self, user: str) -> dict[str, str]:
        """The header of a browser that acts for a user; the door must have keys and a key for tokens."""
        signed, _ = UserTokens(self.parts.settings.web_signers).sign(user)
        return {"authorization": f"Bearer {signed}"}

    async def clicks(self, *things: str, user: str = "u1") -> None:
        """Have a user click, and the worker store it."""
        partition = partition_of(user.encode(), PARTITIONS)
        for offset, thing in enumerate(things):
            await self.hub.handle([record(offset, click(user, thing), partition=partition)])
