"""Events, pictures and requests by HTTP, through real workers and back."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.conftest import System, eventually, jpeg

pytestmark = pytest.mark.stack


@pytest.fixture
def client(system: System) -> Iterator[httpx.Client]:
    system.start("interactions", "uploads", "items")
    (door,) = system.start("web")
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{door.web_port}", timeout=30) as client:
            yield client
    finally:
        system.workers.stop(door)


def stages(client: httpx.Client, address: str) -> dict[str, Any]:
    """All stages of an upload by name."""
    found = {}
    with client.stream("GET", address, timeout=90) as answer:
        for block in answer.read().decode().split("\n\n"):
            if block.startswith("event: "):
                name, data = block.split("\n")
                found[name.removeprefix("event: ")] = json.loads(data.removeprefix("data: "))
    return found


def upload(client: httpx.Client, item_id: str, content: bytes) -> dict[str, Any]:
    """Upload a picture, and follow it to its end."""
    headers = {"Content-Type": "image/jpeg"}
    answer = client.put(f"/v1/items/{item_id}/picture", params={"user_id": "ann"}, content=content, headers=headers)
    assert answer.status_code == 202, answer.text
    return stages(client, answer.json()["stages"])


def test_what_is_said_by_http_arrives_and_is_told(system: System, client: httpx.Client) -> None:
    for number in range(3):
        followed = upload(client, f"shirts%2F{number}", jpeg((200, 30, 30), seed=number))
        assert followed["searchable"]["ms"] < 60_000
    # The head of a JPEG, so that only the worker sees that there is no picture.
    assert upload(client, "bad", jpeg((0, 0, 0))[:300])["refused"]["reason"] == "bad_image"
    known = client.get("/v1/items", params={"ids": ["shirts/0", "bad"]}).json()["items"]
    assert ([*known], known["shirts/0"]["searchable"]) == (["shirts/0"], True)
    eventually(lambda: client.get(known["shirts/0"]["picture"]["preview_url"]).status_code == 200, "it is kept")
    shown = client.get(known["shirts/0"]["picture"]["preview_url"], headers={"Accept": "image/jpeg"})
    assert Image.open(BytesIO(shown.content)).format == "JPEG"

    lines = "\n".join(json.dumps({"type": "click", "user_id": "u/1", "item_id": f"shirts/{n}"}) for n in range(2))
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "k"}
    for _ in range(2):
        # The second time the same ids: they count once.
        assert client.post("/v1/events", content=lines, headers=headers).json()["event_ids"] == ["k-0", "k-1"]
    eventually(lambda: client.get("/v1/users/u%2F1").json()["interactions"] == 2, "the profile has the clicks")
    why = client.get("/v1/users/u%2F1/explain/shirts%2F0").json()
    assert (why["item"]["verdict"], why["item"]["obstacles"][0]["code"]) == ("not_a_candidate", "seen")

    assert client.patch("/v1/items/shirts%2F2", json={"hidden": True, "price": 9}).status_code == 200
    eventually(lambda: client.get("/v1/items/shirts%2F2").json()["hidden"], "the item is hidden")
    assert client.get("/v1/items/shirts%2F2/picture").status_code == 404

    exported = client.post("/v1/users/u%2F1/export").json()["receipt"]
    told = client.get(exported, params={"wait": 30}).json()
    assert {each["item_id"] for each in told["export"]["engaged"]} == {"shirts/0", "shirts/1"}
    forgotten = client.post("/v1/users/u%2F1/forget").json()["receipt"]
    assert client.get(forgotten, params={"wait": 30}).json()["erased"]["engaged"] == 2
    assert client.get("/v1/users/other/receipts/" + forgotten.rpartition("/")[2]).status_code == 404
    eventually(lambda: not client.get("/v1/users/u%2F1").json()["known"], "nothing is known of the user")


def test_what_was_accepted_before_the_end_is_in_kafka(system: System) -> None:
    (door,) = system.start("web")
    with httpx.Client(base_url=f"http://127.0.0.1:{door.web_port}") as client:
        lines = "\n".join(json.dumps({"type": "view", "user_id": f"u{n}", "item_id": "i"}) for n in range(500))
        headers = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}
        accepted = sum(client.post("/v1/events", content=lines, headers=headers).json()["accepted"] for _ in range(8))
        system.workers.stop(door)
    eventually(lambda: len(system.read("events.interactions")) == accepted == 4000, "all of them are there")
