"""Lists made now."""

from typing import Any

import httpx
import pytest

from state.errors import StateUnavailable
from tests.harness.interactions import BLUES, LENGTH, REDS
from tests.harness.web import Door
from web.lists.cursor import Cursor

U1 = "/v1/users/u1/recommendations"


async def listed(client: httpx.AsyncClient, url: str = U1, **params: Any) -> dict[str, Any]:
    answer = await client.get(url, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(made: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in made["items"]]


async def test_a_list_now_is_the_one_that_was_pushed(door: Door, client: httpx.AsyncClient) -> None:
    await door.clicks("red0")
    (pushed,) = door.hub.publisher.lists()
    made = await listed(client)
    assert ids(made) == [item.item_id for item in pushed.items]
    assert (made["known"], made["opted_out"], made["degraded"]) == (True, False, [])
    assert (made["model"], made["filtered"]) == (pushed.model, pushed.filtered)
    assert made["timings_ms"].keys() == {"profile", "candidates", "rank", "total"}


async def test_an_unknown_user_has_a_list(client: httpx.AsyncClient) -> None:
    made = await listed(client, "/v1/users/nobody/recommendations")
    assert (made["known"], len(ids(made))) == (False, LENGTH)


async def test_pages_do_not_repeat_while_the_user_clicks_and_end(door: Door, client: httpx.AsyncClient) -> None:
    await door.clicks("red0")
    seen, cursor = [], None
    for page in range(20):
        made = await listed(client, count=4, **({} if cursor is None else {"cursor": cursor}))
        seen += ids(made)
        cursor = made["cursor"]
        if page == 0:
            await door.clicks("red0", seen[0])
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == len(REDS) + len(BLUES) - 1


async def test_a_list_is_as_long_as_asked_for_and_without_what_is_excluded(client: httpx.AsyncClient) -> None:
    first = ids(await listed(client, count=3))
    assert len(first) == 3
    assert not set(first) & set(ids(await listed(client, count=3, exclude=first)))


@pytest.mark.parametrize("count", ["0", "-1", "1000000000", "many", ""])
async def test_a_count_that_cannot_be_is_a_problem_that_names_it(client: httpx.AsyncClient, count: str) -> None:
    answer = await client.get(U1, params={"count": count})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    detail = answer.json()["detail"]
    assert detail.startswith("`count` must be an integer")
    assert detail.endswith(f"; it is {count!r}")


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", Cursor((1,)).encode("u2"), "A" * 16_000, "A" * 17_000])
async def test_a_cursor_that_is_not_of_this_list_is_a_problem(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get(U1, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["status"]) == (400, 400)


async def test_an_id_may_hold_any_text(door: Door, client: httpx.AsyncClient) -> None:
    await door.clicks("red0", user="a/b %2F?ü")
    made = await listed(client, "/v1/users/a%2Fb%20%252F%3F%C3%BC/recommendations")
    assert (made["user_id"], made["known"]) == ("a/b %2F?ü", True)


@pytest.mark.parametrize(("part", "says"), [("%FF", "not UTF-8"), ("a" * 129, "128")])
async def test_an_id_that_cannot_be_is_a_problem(client: httpx.AsyncClient, part: str, says: str) -> None:
    answer = await client.get(f"/v1/users/{part}/recommendations")
    assert answer.status_code == 400
    assert says in answer.json()["detail"]


async def test_without_redis_the_answer_says_so_and_when_to_come_back(
    door: Door, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> None:
        raise StateUnavailable("nobody there")

    monkeypatch.setattr(type(door.parts.profiles), "load", lambda _self, wanted: away(wanted))
    answer = await client.get(U1)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_an_unknown_path_and_method_are_problems(client: httpx.AsyncClient) -> None:
    for answer, status in ((await client.get("/v1/nothing"), 404), (await client.delete(U1), 405)):
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_health_says_why_it_is_not_ready(door: Door, client: httpx.AsyncClient) -> None:
    assert ((await client.get("/healthz")).text, (await client.get("/readyz")).text) == ("ok\n", "ok\n")
    door.not_ready.append("starting")
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "starting\n")
    assert "# HELP sightline_" in (await client.get("/metrics")).text
