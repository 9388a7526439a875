import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.world.pictures import draw_catalogue
from cli.demo import commands, run
from cli.items.catalog_keys import catalog_keys
from sightline_client.pseudonyms import pseudonym
from streams.settings import Settings
from streams.wire.records import Record
from tests.e2e.conftest import System

pytestmark = pytest.mark.stack

Sightline = Callable[..., Any]

KEY = "sixteen characters and more"


def users_of(records: Sequence[Record]) -> set[str]:
    return {json.loads(record.value or b"")["user_id"] for record in records}


@pytest.fixture
def environment(system: System) -> dict[str, str]:
    """What commands on the test's topics read."""
    settings: Settings = system.settings
    mine = {"home": settings.home, "tools": settings.tools, "topic_prefix": settings.topic_prefix, "partitions": 4}
    mine |= {"pseudonym_key": KEY}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}
    return inherited | {f"SIGHTLINE_{name.upper()}": str(value) for name, value in mine.items()}


@pytest.fixture
def sightline(environment: dict[str, str]) -> Sightline:
    """Run a command on the test's topics; the JSON object that it prints last."""

    def call(*words: str) -> Any:
        result = subprocess.run(
            ["sightline", *words, "--json"], env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout.splitlines()[-1])

    return call


def test_the_demo_opens_a_page_and_ends_at_ctrl_c(system: System, environment: dict[str, str], tmp_path: Path) -> None:
    said, shown = tmp_path / "said", tmp_path / "shown"
    with said.open("w") as stdout, shown.open("w") as stderr:
        demo = subprocess.Popen(
            ["sightline", "demo", "--pictures", "20"], env=environment, stdout=stdout, stderr=stderr,
            # Where the tests run in the background of a shell, Ctrl-C is ignored, and so it would be here.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
    try:
        last_s = time.monotonic() + 240
        while "the page:" not in said.read_text() and demo.poll() is None and time.monotonic() < last_s:
            time.sleep(0.1)
        assert demo.poll() is None, shown.read_text()
        url = said.read_text().split()[-1]
        with urllib.request.urlopen(url) as page:
            assert b"<title>Sightline</title>" in page.read()
        with urllib.request.urlopen(f"{url}v1/users/somebody/recommendations") as answer:
            assert len(json.load(answer)["items"]) > 0
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0, shown.read_text()
    finally:
        demo.kill()
        demo.wait()
    assert [system.workers.find(name) for name in ("interactions", "web")] == [None] * 2
    assert catalog_keys(system.kafka, system.topic("state.catalog")) == set()


def test_the_demo_runs_tells_its_figures_and_leaves_nothing_running(
    system: System, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, to shop for a third of the time."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(run, "EVENTS", 200)
    commands.demo(pictures=40, as_json=True)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["events"], told["uploads"], told["dead_letters"]) == (200, 40, 0)
    assert told["recommendations"] > 0
    assert 0 < told["event_to_rec_ms"]["p50"] <= told["event_to_rec_ms"]["p99"]
    assert 0 < told["upload_to_searchable_ms"]["p50"] <= told["upload_to_searchable_ms"]["p99"]
    assert told["versions"].keys() == {"kafka", "redis", "triton", "encoder"}
    page = system.settings.home / "demo" / "index.html"
    assert page.read_text().count("<section>") == 3
    assert page.with_name("page.png").stat().st_size > 50_000
    assert [system.workers.find(name) for name in ("interactions", "uploads", "items")] == [None] * 3
    assert catalog_keys(system.kafka, system.topic("state.catalog")) == set()
    assert users_of(system.read("events.uploads")) == {pseudonym(KEY.encode(), "demo-shop")}
    shoppers = users_of(system.read("events.interactions"))
    assert len(shoppers) == 26
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", user) for user in shoppers)


def test_a_folder_is_imported_resumed_and_searched(system: System, sightline: Sightline, tmp_path: Path) -> None:
    system.start("interactions", "uploads", "items")
    folder = tmp_path / "shop"
    for item in draw_catalogue(12, seed=7):
        path = folder / item.category / f"{item.item_id}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.jpeg)
    (folder / "text.jpg").write_text("this is no picture")

    first = sightline("items", "import", str(folder))
    assert (first["found"], first["searchable"], first["unchanged"]) == (13, 12, 0)
    assert [one["item_id"] for one in first["refused"]] == ["text.jpg"]
    again = sightline("items", "import", str(folder))
    assert (again["searchable"], again["unchanged"], len(again["refused"])) == (0, 12, 1)

    picture = next(path for path in folder.rglob("mugs*.jpg"))
    found = sightline("similar", str(picture), "--count", "3")
    assert found["items"][0]["item_id"] == picture.relative_to(folder).as_posix()
    users = users_of(system.read("events.uploads"))
    assert pseudonym(KEY.encode(), "import") in users
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", user) for user in users)
