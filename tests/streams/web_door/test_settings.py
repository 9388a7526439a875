from collections.abc import Callable

import pytest

from streams.errors import SettingsError
from streams.settings import read_settings
from streams.web_door.keys import WebKey, key_hash, read_web_keys

HASH = "a" * 64
KEY = "sightline_not-to-be-shown"
Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Sets variables of the web door for one test."""

    def put(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"SIGHTLINE_WEB_{name.upper()}", str(value))

    return put


def refusal() -> str:
    with pytest.raises(SettingsError) as refused:
        read_settings()
    assert KEY not in str(refused.value)
    return str(refused.value)


def test_by_default_the_door_is_for_this_machine() -> None:
    settings = read_settings()
    assert (settings.web_host, settings.web_callers, settings.web_signers, settings.web_pages) == (
        "127.0.0.1",
        (),
        (),
        (),
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1"])
def test_without_keys_it_may_listen_for_this_machine(environment: Environment, host: str) -> None:
    environment(host=host)
    assert read_settings().web_host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "web.example", "127.0.0.1.example", "localhost."])
def test_without_keys_it_listens_nowhere_else(environment: Environment, host: str) -> None:
    environment(host=host)
    said = refusal()
    assert f"SIGHTLINE_WEB_KEYS: must hold a key, since other machines reach {host}" in said
    assert "sightline web-key NAME --scope read" in said
    environment(keys=f"feed:read:{HASH}")
    assert read_settings().web_host == host


def test_keys_are_read_with_their_scopes(environment: Environment) -> None:
    environment(keys=f"feed:read:{HASH}, shop.1:publish+read:{HASH},")
    assert read_settings().web_callers == (
        WebKey("feed", frozenset({"read"}), HASH),
        WebKey("shop.1", frozenset({"publish", "read"}), HASH),
    )


def test_the_entry_of_a_key_is_what_is_read() -> None:
    key = WebKey("desk", frozenset({"admin", "publish"}), key_hash(KEY))
    assert read_web_keys(key.entry()) == (key,)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (KEY, "entry 1 is not name:scope+scope:hash"),
        (f"feed:read:{KEY}", "64 digits of hex"),
        (f"feed:read:{HASH.upper()}", "64 digits of hex"),
        (f"feed:read:{HASH}0", "64 digits of hex"),
        (f"feed:read:{HASH}:x", "more than two colons"),
        (f"feed:write:{HASH}", "some of publish, read, admin"),
        (f"feed:read+:{HASH}", "some of publish, read, admin"),
        (f"feed::{HASH}", "some of publish, read, admin"),
        (f":read:{HASH}", "the name of a key"),
        (f"the feed:read:{HASH}", "the name of a key"),
        (f"feed:read:{HASH},feed:admin:{HASH}", "two keys with the name 'feed'"),
        (",".join(f"k{n}:read:{HASH}" for n in range(257)), "has 257 keys"),
    ],
    ids=lambda value: value[:20],
)
def test_an_entry_that_is_wrong_is_named_and_no_key_is_shown(environment: Environment, keys: str, why: str) -> None:
    environment(keys=keys)
    said = refusal()
    assert "SIGHTLINE_WEB_KEYS" in said
    assert why in said


def test_a_key_for_tokens_is_long_and_of_use(environment: Environment) -> None:
    environment(keys=f"feed:read:{HASH}", token_key=f"{'n' * 32},{'o' * 32}")
    assert read_settings().web_signers == ("n" * 32, "o" * 32)
    for short in (KEY, f"{'n' * 32},{KEY}", "," * 40):
        environment(token_key=short)
        assert "SIGHTLINE_WEB_TOKEN_KEY" in refusal()
    environment(keys="", token_key="n" * 32)
    assert "is of no use without SIGHTLINE_WEB_KEYS" in refusal()


@pytest.mark.parametrize("origin", ["https://shop.example", "http://localhost:3000", "http://[::1]:80", "app://shop"])
def test_an_origin_is_written_as_browsers_send_it(environment: Environment, origin: str) -> None:
    environment(origins=f"{origin}, https://b.example")
    assert read_settings().web_pages == (origin, "https://b.example")


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "shop.example", "https://Shop.example", "https://shop.example/", "https://*.example", "https://"],
)
def test_what_no_browser_sends_is_no_origin(environment: Environment, origin: str) -> None:
    environment(origins=origin)
    assert "SIGHTLINE_WEB_ORIGINS" in refusal()


def test_workers_are_addresses_with_or_without_a_name(environment: Environment) -> None:
    environment(workers="items=10.0.0.7:9100, uploads:9100,")
    assert read_settings().web_watched == (("items", "10.0.0.7:9100"), ("uploads:9100", "uploads:9100"))


@pytest.mark.parametrize("workers", ["items", "http://items:9100", "items:http", "items:9100/metrics", "=items:9100x"])
def test_what_is_no_worker_is_refused(environment: Environment, workers: str) -> None:
    environment(workers=workers)
    assert "write host:port" in refusal()
