"""Rules of a shop change while a worker runs, and the next lists obey them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.rules.check import check_rules
from deploy.workers import Workers
from state.codec import encode_item
from streams.wire.events import Interaction, Recommendations, encode
from tests.e2e.conftest import System, eventually, variables_of
from tests.harness.catalog import DIMENSIONS, NOW, reds_and_blues
from tests.harness.shop_rules import file_of, rule

pytestmark = pytest.mark.stack


class Feeds:
    """One user's lists, each after one more click."""

    def __init__(self, system: System) -> None:
        self._system, self._producer, self._clicks = system, system.producer(), 0

    def next(self) -> Recommendations:
        """The list after a click on red-0."""
        self._clicks += 1
        count = self._clicks
        event = Interaction(
            event_id=f"click-{count}", type="click", user_id="u1", item_id="red-0", occurred_at_ms=NOW + count
        )
        self._producer.produce(self._system.topic("events.interactions"), key=b"u1", value=encode(event))
        assert self._producer.flush(30) == 0
        eventually(lambda: len(self._lists()) == count, "there is a list after each click")
        return self._lists()[-1]

    def _lists(self) -> list[Recommendations]:
        records = self._system.read("recommendations")
        found = [msgspec.json.decode(record.value or b"", type=Recommendations) for record in records]
        return sorted(found, key=lambda each: each.seq)

    def promoted(self) -> tuple[list[str], list[tuple[str, Any]]]:
        """The reds of the next list, and its promoted slots with their rules."""
        items = self.next().items
        slots = [(each.item_id, each.reasons[0].rule) for each in items if each.reasons[0].code == "promoted"]
        return [each.item_id for each in items if each.item_id.startswith("red")], slots


def test_the_next_list_obeys_the_rules_that_lie_there_now(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    producer, file = system.producer(), tmp_path / "rules.json"
    for _, item in reds_and_blues(8):
        assert item is not None
        producer.produce(system.topic("state.catalog"), key=item.item_id.encode(), value=encode_item(item))
    assert producer.flush(30) == 0
    promote = rule("promote", "blue-week", slots=[2], items=["blue-3"])
    file.write_bytes(file_of(promote))
    changes = {"rules": str(file), "dimensions": DIMENSIONS, "list_length": 5}
    Workers(system.settings.model_copy(update=changes), system.stack.endpoints).start_all(["interactions"])
    feeds = Feeds(system)
    reds, slots = feeds.promoted()
    assert (len(reds), slots) == (4, [("blue-3", "blue-week")])

    both = file_of(promote, rule("exclude", "recall", category="red"))
    file.write_bytes(both[: len(both) // 2])
    assert feeds.promoted() == (reds, slots)
    file.write_bytes(both)
    eventually(lambda: feeds.promoted()[0] == [], "the recalled ones are in no list")
    variables = variables_of(system) | {"dimensions": str(DIMENSIONS), "list_length": "5"}
    for name, value in variables.items():
        monkeypatch.setenv(f"SIGHTLINE_{name.upper()}", value)
    check_rules(str(file), as_json=True)
    checked = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {each["name"]: each["decides"] for each in checked["rules"]} == {"blue-week": 1, "recall": 8}

    file.write_bytes(file_of())
    # Not the promotions alone: without the reds the promoted one may have its slot by itself.
    eventually(lambda: len(feeds.promoted()[0]) == 5, "rules that were taken out hold no more")
    assert feeds.promoted()[1] == []
