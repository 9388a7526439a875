"""The OpenAPI document says what the app does: it is current, and requests drawn from it are answered as it says."""

import json
import re
from typing import Any

import httpx
import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.harness.web import Door
from web.openapi import FILE, document
from web.problems import MEDIA_TYPE

DOCUMENT: dict[str, Any] = json.loads(FILE.read_text())
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
CHECKS = [content_type_conformance, response_schema_conformance]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
#: Streams that go on for as long as a test reads.
ENDLESS = {
    name
    for name, (_, _, said) in OPERATIONS.items()
    if any("text/event-stream" in answer.get("content", {}) for answer in said["responses"].values())
}


def test_the_committed_document_is_current() -> None:
    assert FILE.read_text() == document(), "run `make schemas`"


async def test_the_document_that_is_served_is_the_committed_one(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json() == DOCUMENT


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_does_and_what_a_problem_looks_like(name: str) -> None:
    _, _, said = OPERATIONS[name]
    assert said["summary"]
    assert said["description"]
    assert list(said["responses"]["default"]["content"]) == [MEDIA_TYPE]


def test_what_is_made_here_need_not_be_said() -> None:
    _, _, publish = OPERATIONS["publish"]
    check = jsonschema.Draft202012Validator(publish["requestBody"]["content"]["application/json"]["schema"])
    click = {"type": "click", "user_id": "u1", "item_id": "i9"}
    assert check.is_valid(click)
    assert check.is_valid([click, click | {"event_id": "c-1"}])
    assert not check.is_valid({"user_id": "u1"})


def test_every_reference_leads_somewhere() -> None:
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', FILE.read_text()))
    assert named - DOCUMENT["components"]["schemas"].keys() == set()


@pytest.fixture(scope="module")
def api() -> Any:
    loaded = schemathesis.openapi.from_dict(DOCUMENT)
    loaded.app = Door(web_rate=1e6).app
    return loaded


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - ENDLESS))
def test_whatever_is_asked_the_answer_is_as_the_document_says(
    name: str, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody answers queries here.
    monkeypatch.setattr("web.search.asking.ANSWER_S", 0.001)
    method, path, _ = OPERATIONS[name]
    operation = api[path][method.upper()]
    drawn = st.one_of([operation.as_strategy(generation_mode=mode) for mode in MODES])

    @settings(
        max_examples=12,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=drawn)
    def answers(case: Any) -> None:
        if isinstance(case.query.get("wait"), int | float):
            case.query["wait"] = min(case.query["wait"], 0.001)
        answer = case.call(base_url="http://127.0.0.1")
        # A service that is away is no fault of the app.
        assert answer.status_code < 500 or (answer.status_code == 503 and answer.headers.get("retry-after"))
        case.validate_response(answer, checks=CHECKS)

    answers()
