"""The OpenAPI document."""

import re
from typing import Any

import httpx
import jsonschema
import msgspec
import pytest

from streams.wire.events import Interaction

CLICK = {"type": "click", "user_id": "u1", "item_id": "i9"}


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


async def test_every_operation_says_how_errors_look_and_nothing_else_does(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert "application/problem+json" in operation["responses"]["default"]["content"], (path, method)
            assert not [status for status in operation["responses"] if status[0] in "45"], (path, method)


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', msgspec.json.encode(document).decode()))
    assert named - document["components"]["schemas"].keys() == set()


async def test_what_is_made_here_need_not_be_said(document: dict[str, Any]) -> None:
    bodies = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    schema = bodies["application/json"]["schema"] | {"components": document["components"]}
    check = jsonschema.Draft202012Validator(schema)
    assert check.is_valid(CLICK)
    assert check.is_valid([CLICK, CLICK | {"event_id": "c-1"}])
    assert not check.is_valid({"user_id": "u1"})
    assert Interaction.__name__ in document["components"]["schemas"]


async def test_bodies_of_several_types_are_all_there(document: dict[str, Any]) -> None:
    upload = document["paths"]["/v1/items/{item_id}/picture"]["put"]["requestBody"]["content"]
    assert upload.keys() == {"image/*", "video/*", "multipart/form-data"}
    assert "requestBody" in document["paths"]["/v1/items/{item_id}"]["patch"]
