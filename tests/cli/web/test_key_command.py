import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from streams.web_door.keys import WebKey, key_hash, read_web_keys


def made(*words: str) -> dict[str, str]:
    shown = CliRunner().invoke(app, ["web-key", *words, "--json"])
    assert shown.exit_code == 0, shown.output
    found: dict[str, str] = json.loads(shown.stdout)
    return found


def test_a_key_is_printed_once_with_the_entry_that_knows_it() -> None:
    one, other = made("feed", "--scope", "read"), made("feed", "--scope", "publish", "--scope", "read")
    assert one["key"] != other["key"]
    assert len(one["key"]) == len("sightline_") + 43
    [key] = read_web_keys(other["entry"])
    assert key == WebKey("feed", frozenset({"publish", "read"}), key_hash(other["key"]))


def test_for_people_the_key_and_its_entry_are_lines_of_their_own() -> None:
    shown = CliRunner().invoke(app, ["web-key", "feed", "--scope", "read"])
    key, entry = shown.stdout.splitlines()
    assert entry == f"feed:read:{key_hash(key)}"
    assert "not shown again" in shown.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["feed"], "--scope"),
        (["feed", "--scope", "write"], "none of publish, read, admin"),
        (["the feed", "--scope", "read"], "letters, digits"),
        (["", "--scope", "read"], "letters, digits"),
        (["a:b", "--scope", "read"], "letters, digits"),
    ],
    ids=str,
)
def test_a_key_that_could_not_stand_in_the_setting_is_not_made(words: list[str], why: str) -> None:
    refused = CliRunner().invoke(app, ["web-key", *words])
    assert refused.exit_code == 2
    assert why in refused.output
    assert "sightline_" not in refused.stdout
