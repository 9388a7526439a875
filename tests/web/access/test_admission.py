import pytest

from streams.web_door.keys import WebKey, key_hash
from tests.web.access.asking import PATH, Answer, Inside, ask, scope_of
from web.access.admission import Admission
from web.access.caller import caller_of
from web.access.credentials import Credentials
from web.access.matching import Routes
from web.access.rates import Rates
from web.access.tokens import UserTokens

NOW = 1_800_000_000
TOKENS = UserTokens(["k" * 32], lambda: NOW)
ANN = TOKENS.sign("ann")[0]
KEYS = {name: f"sightline_{name}" for name in ("feed", "shop", "desk")}
READ, PUBLISH, ADMIN = (
    {"authorization": f"Bearer {KEYS['feed']}"},
    {"authorization": f"Bearer {KEYS['shop']}"},
    {"authorization": f"Bearer {KEYS['desk']}"},
)
AS_ANN = {"authorization": f"Bearer {ANN}"}


class House:
    def __init__(self, *, keyless: bool = False, rate: float = 1000) -> None:
        keys = [
            WebKey("feed", frozenset({"read"}), key_hash(KEYS["feed"])),
            WebKey("shop", frozenset({"publish"}), key_hash(KEYS["shop"])),
            WebKey("desk", frozenset({"admin"}), key_hash(KEYS["desk"])),
        ]
        self.inside = Inside()
        credentials = Credentials([] if keyless else keys, TOKENS)
        self._app = Admission(self.inside, Routes(), credentials, Rates(rate, lambda: 0.0))

    async def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, client: str = "192.0.2.1"
    ) -> Answer:
        return await ask(self._app, scope_of(method, path, headers, client))


@pytest.mark.parametrize(
    ("method", "path", "public", "read", "publish", "user"),
    [
        ("GET", "/", 200, 200, 200, 200),
        ("GET", "/page/1/js/main.js", 200, 200, 200, 200),
        ("GET", "/readyz", 200, 200, 200, 200),
        ("GET", "/metrics", 401, 403, 403, 403),
        ("GET", "/v1/operations", 401, 403, 403, 403),
        ("GET", "/v1/trends", 401, 200, 403, 200),
        ("GET", "/v1/search?q=red", 401, 200, 403, 200),
        ("POST", "/v1/similar", 401, 200, 403, 200),
        ("GET", "/v1/items?ids=a", 401, 200, 403, 200),
        ("GET", "/v1/items/a/picture", 401, 200, 403, 200),
        ("PUT", "/v1/items/a/picture", 401, 403, 200, 200),
        ("PATCH", "/v1/items/a", 401, 403, 200, 403),
        ("DELETE", "/v1/items/a", 401, 403, 200, 403),
        ("POST", "/v1/events", 401, 403, 200, 200),
        ("GET", "/v1/users/ann", 401, 200, 403, 200),
        ("GET", "/v1/users/bob", 401, 200, 403, 403),
        ("GET", "/v1/users/Ann", 401, 200, 403, 403),
        ("GET", "/v1/users/%61nn/recommendations", 401, 200, 403, 200),
        ("GET", "/v1/users/ann%00/recommendations", 401, 200, 403, 403),
        ("GET", "/v1/users/bob/recommendations/stream", 401, 200, 403, 403),
        ("GET", "/v1/users/bob/explain/ann", 401, 200, 403, 403),
        ("POST", "/v1/users/ann/forget", 401, 403, 403, 200),
        ("POST", "/v1/users/bob/forget", 401, 403, 403, 403),
        ("GET", "/v1/users/ann/receipts/1", 401, 403, 403, 200),
        ("GET", "/v1/users/bob/receipts/1", 401, 403, 403, 403),
        ("POST", "/v1/users/ann/token", 401, 200, 403, 403),
        ("GET", "/v1/nothing", 404, 404, 404, 404),
        ("POST", "/v1/trends", 405, 405, 405, 405),
    ],
)
async def test_who_may_do_what(method: str, path: str, public: int, read: int, publish: int, user: int) -> None:
    house = House()
    each = [(await house.ask(method, path, headers)).status for headers in (None, READ, PUBLISH, AS_ANN)]
    assert each == [public, read, publish, user]
    assert (await house.ask(method, path, ADMIN)).status == (public if public in (404, 405) else 200)


async def test_without_keys_everything_is_allowed() -> None:
    house = House(keyless=True)
    assert (await house.ask("GET", "/v1/operations")).status == 200
    assert (await house.ask("POST", "/v1/users/bob/forget", {"authorization": "Bearer whatever"})).status == 200


async def test_behind_the_admission_it_is_known_who_asks() -> None:
    house = House()
    for headers in (READ, AS_ANN, None):
        await house.ask("GET", PATH if headers else "/", headers)
    names = [caller_of(scope).name for scope in house.inside.scopes]
    assert names == ["key 'feed'", "the user's token", "this address"]
    assert [caller_of(scope).user for scope in house.inside.scopes] == [None, "ann", None]
    assert caller_of(house.inside.scopes[1]).until_s == NOW + 3600


@pytest.mark.parametrize(
    "given",
    [
        "Basic ZmVlZDp4",
        "Bearer",
        "Bearer ",
        "",
        KEYS["feed"],
        f"Bearer {KEYS['feed']}x",
        f"Bearer {key_hash(KEYS['feed'])}",
        "Bearer " + "x" * 30_000,
        f"Bearer {ANN[:-4]}",
        "Bearer ..",
        "Bearer \xff\xfe",
    ],
)
async def test_credentials_that_are_not_known_are_refused_and_never_quoted(given: str) -> None:
    refused = await House().ask("GET", PATH, {"authorization": given})
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Bearer realm=")
    assert refused.problem["remedy"]
    value = given.removeprefix("Bearer").strip()
    assert not value or value not in refused.body.decode()
    assert KEYS["feed"] not in refused.body.decode()


async def test_the_scheme_may_be_written_in_any_case() -> None:
    assert (await House().ask("GET", PATH, {"authorization": f"bearer  {KEYS['feed']}"})).status == 200


async def test_a_refusal_says_what_is_missing_without_naming_other_users() -> None:
    house = House()
    scope = (await house.ask("DELETE", "/v1/items/secret-item", READ)).problem
    assert scope["detail"] == "key 'feed' has the scopes read, and DELETE /v1/items/{item_id} needs publish"
    other = await house.ask("GET", "/v1/users/bob", AS_ANN)
    assert other.problem["title"] == "This token is another user's"
    assert b"bob" not in other.body
    assert b"ann" not in other.body


async def test_a_stream_takes_a_token_from_its_address_and_nobody_behind_sees_it() -> None:
    house = House()
    opened = await house.ask("GET", f"{PATH}/stream?count=5&token={ANN}&x=1")
    assert opened.status == 200
    assert house.inside.scopes[0]["query_string"] == b"count=5&x=1"
    assert (await house.ask("GET", f"{PATH.replace('ann', 'bob')}/stream?token={ANN}")).status == 403
    assert (await house.ask("GET", f"{PATH}/stream?token={ANN}x")).status == 401
    assert (await house.ask("GET", f"{PATH}/stream?token=")).status == 401


@pytest.mark.parametrize("path", [f"{PATH}?token={ANN}", f"/v1/trends?token={ANN}", f"{PATH}/stream?tokens={ANN}"])
async def test_a_token_in_the_address_counts_for_streams_alone(path: str) -> None:
    refused = await House().ask("GET", path)
    assert refused.status == 401
    assert ANN not in refused.body.decode()


async def test_a_key_in_the_address_does_not_count() -> None:
    refused = await House().ask("GET", f"{PATH}/stream?token={KEYS['feed']}")
    assert refused.status == 401
    assert KEYS["feed"] not in refused.body.decode()


async def test_a_key_a_user_and_an_address_each_have_a_rate_of_their_own() -> None:
    house = House(rate=1)
    bob = {"authorization": f"Bearer {TOKENS.sign('bob')[0]}"}
    for headers in (READ, ADMIN, AS_ANN):
        assert [(await house.ask("GET", PATH, headers)).status for _ in range(3)] == [200, 200, 429]
    assert (await house.ask("GET", "/v1/users/bob", bob)).status == 200
    assert [(await house.ask("GET", "/")).status for _ in range(3)] == [200, 200, 429]
    assert (await house.ask("GET", "/", client="192.0.2.2")).status == 200


async def test_guesses_have_the_rate_of_their_address_and_cost_nobody_else_theirs() -> None:
    house = House(rate=1)
    wrong = {"authorization": "Bearer wrong"}
    assert [(await house.ask("GET", PATH, wrong)).status for _ in range(4)] == [401, 401, 429, 429]
    assert [(await house.ask("GET", "/nothing", client="192.0.2.7")).status for _ in range(3)] == [404, 404, 429]
    assert (await house.ask("GET", PATH, READ)).status == 200


async def test_an_ipv6_client_is_its_network() -> None:
    house = House(rate=1)
    asked = [await house.ask("GET", "/", client=f"2001:db8:0:1::{host}") for host in (1, 2, 3)]
    assert [answer.status for answer in asked] == [200, 200, 429]
    assert (await house.ask("GET", "/", client="2001:db8:0:2::1")).status == 200
    mapped = [await house.ask("GET", "/", client=f"::ffff:192.0.2.{host}") for host in (1, 2, 3)]
    assert [answer.status for answer in mapped] == [200, 200, 200]


async def test_too_many_requests_are_told_when_to_come_back() -> None:
    house = House(rate=0.1)
    assert (await house.ask("GET", PATH, READ)).status == 200
    refused = await house.ask("GET", PATH, READ)
    assert (refused.status, refused.headers["retry-after"]) == (429, "10")
    assert refused.problem["detail"] == "key 'feed' asks more than 0.1 times a second"


@pytest.mark.parametrize(
    ("path", "given", "scopes"), [("/v1/operations", READ, "admin"), (PATH, PUBLISH, "read or admin")]
)
async def test_a_key_that_is_not_for_a_route_hears_which_is(path: str, given: dict[str, str], scopes: str) -> None:
    assert (await House().ask("GET", path, given)).problem["remedy"] == f"use a key with the scope {scopes}"
