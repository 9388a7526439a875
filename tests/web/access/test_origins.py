import pytest

from tests.web.access.asking import Inside, ask, scope_of
from web.access.origins import Origins

SHOP = "https://shop.example"


@pytest.mark.parametrize("keyless", [True, False])
async def test_a_listed_page_may_ask_and_read(keyless: bool) -> None:
    app = Origins(Inside(), [SHOP], keyless=keyless)
    answer = await ask(app, scope_of("POST", headers={"origin": SHOP, "host": "localhost:8080"}))
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("keyless", [True, False])
async def test_a_preflight_of_a_listed_page_is_answered_here(keyless: bool) -> None:
    inside = Inside()
    asked = {"origin": SHOP, "access-control-request-method": "PUT", "access-control-request-headers": "authorization"}
    answer = await ask(Origins(inside, [SHOP], keyless=keyless), scope_of("OPTIONS", headers=asked))
    assert (answer.status, answer.body, inside.scopes) == (204, b"", [])
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("keyless", [True, False])
async def test_a_preflight_of_another_page_is_refused(keyless: bool) -> None:
    inside = Inside()
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    refused = await ask(Origins(inside, [SHOP], keyless=keyless), scope_of("OPTIONS", headers=asked))
    assert (refused.status, inside.scopes) == (403, [])
    assert "access-control-allow-origin" not in refused.headers
    assert "SIGHTLINE_WEB_ORIGINS" in refused.problem["remedy"]
    assert "evil" not in refused.body.decode()


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "http://localhost:3000",
        "http://localhost",
        "https://shop.example.evil.example",
        "https://shop.example:444",
        "http://localhost:8080.evil.example",
        "HTTPS://SHOP.EXAMPLE",
    ],
)
async def test_without_keys_a_foreign_page_gets_nothing_done(origin: str, method: str) -> None:
    inside = Inside()
    app = Origins(inside, [SHOP], keyless=True)
    refused = await ask(app, scope_of(method, headers={"origin": origin, "host": "localhost:8080"}))
    assert (refused.status, inside.scopes) == (403, [])


async def test_without_keys_the_own_page_and_what_is_no_page_are_let_in() -> None:
    app = Origins(Inside(), [], keyless=True)
    own = {"origin": "http://localhost:8080", "host": "localhost:8080"}
    assert (await ask(app, scope_of("POST", headers=own))).status == 200
    assert (await ask(app, scope_of("POST", headers={"host": "localhost:8080"}))).status == 200


async def test_with_keys_a_foreign_page_needs_a_key_and_cannot_read_the_answer() -> None:
    answer = await ask(
        Origins(Inside(), [SHOP], keyless=False), scope_of("POST", headers={"origin": "https://evil.example"})
    )
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


async def test_without_listed_origins_answers_do_not_vary() -> None:
    answer = await ask(Origins(Inside(), [], keyless=False), scope_of(headers={"origin": SHOP}))
    assert "vary" not in answer.headers
