import pytest

from tests.web.access.asking import Inside, ask, scope_of
from web.access.hosts import Hosts


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8080", "127.0.0.1:1", "[::1]", "[::1]:8080", "127.0.0.7:80"])
async def test_this_machine_is_asked_by_its_own_names(host: str) -> None:
    assert (await ask(Hosts(Inside(), "127.0.0.7"), scope_of(headers={"host": host}))).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost:x",
        "localhost,evil.example",
        "localhost:8080:8080",
        "",
        "192.0.2.1",
        "127.0.0.8",
    ],
)
async def test_a_page_that_has_its_name_point_here_is_refused(host: str) -> None:
    inside = Inside()
    refused = await ask(Hosts(inside, "127.0.0.7"), scope_of(headers={"host": host}))
    assert refused.status == 421
    assert refused.problem["remedy"].startswith("use http://localhost")
    assert inside.scopes == []


async def test_a_request_without_a_host_or_with_two_is_refused() -> None:
    two = scope_of()
    two["headers"] = [(b"host", b"localhost"), (b"host", b"localhost")]
    for scope in (scope_of(), two):
        assert (await ask(Hosts(Inside(), "::1"), scope)).status == 421
