"""The web door on real Kafka, Redis and Triton, with products to shop for."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.world.pictures import draw_catalogue
from deploy.workers import Worker, Workers
from streams.kafka.admin import create_topics
from streams.wire.namespace import Namespace
from tests.conftest import RunningStack

ITEMS = 60


@dataclass(slots=True)
class RealDoor:
    """A running system; `restart` ends the web door and starts it again at its address."""

    workers: Workers
    web: Worker

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web.web_port}"

    def items(self) -> list[str]:
        """All items that lists can have."""
        return listed(self.url)

    def stop(self) -> None:
        self.workers.stop(self.web)

    def start(self) -> None:
        self.web = self.workers.start("web")


@contextmanager
def real_door(stack: RunningStack) -> Iterator[RealDoor]:
    """A system of its own on the services, with drawn products in its catalogue; it ends with the context."""
    prefix = f"t{uuid.uuid4().hex[:10]}."
    settings = stack.settings.model_copy(update={"topic_prefix": prefix, "partitions": 4})
    create_topics(stack.endpoints.kafka, Namespace(prefix), settings.partitions, 1)
    workers = Workers(settings, stack.endpoints)
    with workers.borrowed(("interactions", "uploads", "items", "web")) as started:
        found = RealDoor(workers, started[-1])
        fill(found.url)
        yield found


def fill(url: str) -> None:
    """Put drawn products into the catalogue, through the door, and wait until lists can have all of them."""
    for item in draw_catalogue(ITEMS, seed=1):
        said = {"title": item.title, "category": item.category, "price": item.price, "currency": "EUR"}
        query = urllib.parse.urlencode({**said, "user_id": "shop"})
        address = f"{url}/v1/items/{item.item_id}/picture?{query}"
        request = urllib.request.Request(address, item.jpeg, {"content-type": "image/jpeg"}, method="PUT")
        urllib.request.urlopen(request, timeout=30).close()
    until = time.monotonic() + 90
    while len(listed(url)) < ITEMS:
        assert time.monotonic() < until, "the pictures did not become searchable"
        time.sleep(0.2)


def listed(url: str) -> list[str]:
    try:
        with urllib.request.urlopen(f"{url}/v1/users/nobody/recommendations?count={ITEMS}", timeout=10) as answer:
            return [item["item_id"] for item in json.load(answer)["items"]]
    except urllib.error.URLError:
        return []
