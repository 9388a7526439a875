import pytest

from web.access.matching import Routes
from web.problems import Problem

ROUTES = Routes()


@pytest.mark.parametrize(
    ("method", "path", "route", "user"),
    [
        ("GET", "/", "GET /", None),
        ("GET", "/page/1a2b/js/core/dom.js", "GET /page/{version}/{name:path}", None),
        ("GET", "/v1/users/ann", "GET /v1/users/{user_id}", "ann"),
        ("GET", "/v1/users/a%2Fforget", "GET /v1/users/{user_id}", "a/forget"),
        ("GET", "/v1/users/a%252F", "GET /v1/users/{user_id}", "a%2F"),
        ("POST", "/v1/users/%E5%B0%8F%20%E6%98%8E/forget", "POST /v1/users/{user_id}/forget", "小 明"),
        ("GET", "/v1/users/recommendations/recommendations", "GET /v1/users/{user_id}/recommendations",
         "recommendations"),
        ("GET", "/v1/users/ann/explain/a%2Fb", "GET /v1/users/{user_id}/explain/{item_id}", "ann"),
        ("GET", "/v1/items/ann/similar", "GET /v1/items/{item_id}/similar", None),
    ],
)  # fmt: skip
def test_a_request_falls_under_the_rule_of_its_route(method: str, path: str, route: str, user: str | None) -> None:
    match = ROUTES.match(method, path.encode())
    assert (match.route, match.user_id) == (route, user)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/v1",
        "//v1/trends",
        "/v1/trends/",
        "/v1//trends",
        "/v1/users/",
        "/v1/users/ann/",
        "/v1/users/ann/explain/",
        "/v1/%75sers/ann",
        "/V1/users/ann",
        "/v1/users/ann/../bob",
        "/v1/users/{user_id}/passwords",
        "/page/1a2b",
        "/page/1a2b/",
        "/metrics/x",
    ],
)
def test_what_is_not_in_the_table_does_not_exist(path: str) -> None:
    with pytest.raises(Problem) as refused:
        ROUTES.match("GET", path.encode())
    assert refused.value.status == 404


def test_another_method_is_refused_with_those_that_the_path_takes() -> None:
    with pytest.raises(Problem) as refused:
        ROUTES.match("TRACE", b"/v1/items/a")
    assert (refused.value.status, refused.value.headers["Allow"]) == (405, "GET, PATCH, DELETE")


def test_no_route_takes_head() -> None:
    with pytest.raises(Problem) as refused:
        ROUTES.match("HEAD", b"/healthz")
    assert (refused.value.status, refused.value.headers["Allow"]) == (405, "GET")


def test_an_id_that_is_no_text_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        ROUTES.match("GET", b"/v1/users/%ff")
    assert refused.value.status == 400
