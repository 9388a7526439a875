import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import process
from deploy.errors import StackError
from deploy.local import Endpoints
from deploy.workers import Workers, running_workers, stop_workers
from streams.settings import Settings

ENDPOINTS = Endpoints("127.0.0.1:1", "redis://127.0.0.1:2", "127.0.0.1:3", None)
SERVER = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
print(sys.argv[1], os.environ["SIGHTLINE_KAFKA"], os.environ["SIGHTLINE_TOPIC_PREFIX"], flush=True)
class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
HTTPServer(("127.0.0.1", int(os.environ["SIGHTLINE_METRICS_PORT"])), Ready).serve_forever()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    settings = Settings(home=tmp_path, topic_prefix="t.")
    yield settings
    stop_workers(settings)


def workers(settings: Settings, script: str = SERVER) -> Workers:
    return Workers(settings, ENDPOINTS, command=(sys.executable, "-c", script))


def test_a_started_worker_is_ready_and_knows_its_services_and_prefix(settings: Settings) -> None:
    worker = workers(settings).start("items")
    assert worker.log.read_text().splitlines()[0] == "items 127.0.0.1:1 t."


def test_a_running_worker_is_found_again_and_not_started_twice(settings: Settings) -> None:
    first = workers(settings).start("uploads")
    assert workers(settings).start("uploads").process == first.process


def test_two_workers_of_one_name_run_side_by_side(settings: Settings) -> None:
    crew = workers(settings)
    first, second = crew.start("interactions"), crew.start("interactions", number=2)
    assert first.process != second.process
    assert first.metrics_port != second.metrics_port


def test_a_killed_worker_is_gone_and_can_be_started_again(settings: Settings) -> None:
    crew = workers(settings)
    killed = crew.start("interactions")
    crew.kill(killed)
    assert crew.find("interactions") is None
    assert crew.start("interactions").process != killed.process


def test_borrowed_workers_end_and_those_found_running_stay(settings: Settings) -> None:
    crew = workers(settings)
    found = crew.start("items")
    with crew.borrowed(("items", "uploads")) as (items, uploads):
        assert items.process == found.process
    assert process.alive(found.process)
    assert not process.alive(uploads.process)


def test_all_workers_of_a_command_are_said_in_one_line_each_time(settings: Settings) -> None:
    lines: list[str] = []
    crew = Workers(settings, ENDPOINTS, command=(sys.executable, "-c", SERVER), progress=lines.append)
    crew.start("items")
    with crew.borrowed(("items", "uploads")) as (items, uploads):
        pass
    with crew.borrowed(("items",)):
        pass

    assert lines == [
        f"worker items: ready, metrics on http://127.0.0.1:{items.metrics_port}/metrics",
        f"workers ready, metrics on: items 127.0.0.1:{items.metrics_port}, uploads 127.0.0.1:{uploads.metrics_port}",
        "workers ended: uploads",
    ]


def test_running_workers_are_found_whatever_their_number_and_services_and_ended_ones_are_not(
    settings: Settings,
) -> None:
    crew, elsewhere = workers(settings), settings.model_copy(update={"topic_prefix": "u."})
    uploads = crew.start("uploads")
    crew.stop(uploads)
    started = [crew.start("items", number=2), workers(elsewhere).start("learning")]
    assert running_workers(settings) == started
    stop_workers(settings)
    assert running_workers(settings) == []


def test_stop_workers_leaves_none_of_a_home(settings: Settings) -> None:
    started = workers(settings).start_all()
    stop_workers(settings)
    assert [process.alive(worker.process) for worker in started] == [False] * 4


def test_a_worker_that_ends_at_once_is_an_error_with_the_end_of_its_log(settings: Settings) -> None:
    with pytest.raises(StackError, match=r"worker items ended at once(.|\n)*no such broker"):
        workers(settings, "raise SystemExit('no such broker')").start("items")
