"""Whole worker processes on the real stack: they become ready, tell how they are, and end when told."""

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from deploy import process
from deploy.errors import StackError
from deploy.workers import Worker, WorkerName, Workers
from streams.client import EventPublisher
from streams.kafka.admin import create_topics
from streams.settings import Settings
from streams.wire.events import Interaction, ItemChange, Upload
from streams.wire.namespace import Namespace
from streams.worker.process import Worker as Process
from streams.worker.resources import Addresses
from tests.conftest import RunningStack

pytestmark = pytest.mark.stack

NAMES: tuple[WorkerName, ...] = ("interactions", "uploads", "items", "learning")
DEADLINE_S = 90.0
#: contracts.md, section 5, what this release has.
PROMISED = {
    "interactions": {
        "sightline_event_to_recommendation_seconds",
        "sightline_stage_seconds",
        "sightline_events_total",
        "sightline_consumer_lag_records",
        "sightline_last_progress_timestamp_seconds",
        "sightline_redis_seconds",
        "sightline_recommendations_total",
        "sightline_candidates",
        "sightline_published_total",
        "sightline_list_diversity",
        "sightline_catalog_items",
    },
    "uploads": {
        "sightline_events_total",
        "sightline_inference_seconds",
        "sightline_inference_inflight",
        "sightline_upload_to_searchable_seconds",
        "sightline_build_info",
        "sightline_stage_seconds",
    },
    "items": {"sightline_events_total", "sightline_redis_seconds", "sightline_last_progress_timestamp_seconds"},
    "learning": {
        "sightline_consumer_lag_records",
        "sightline_last_progress_timestamp_seconds",
        "sightline_lessons_total",
        "sightline_ranker_loss",
        "sightline_ranker_version",
        "sightline_ranker_heard_timestamp_seconds",
    },
}
DECLARED = {
    "sightline_dead_letters_total",
    "sightline_duplicates_total",
    "sightline_clamped_times_total",
    "sightline_misrouted_total",
    "sightline_position_conflicts_total",
    "sightline_broken_promises",
    "sightline_rollbacks_total",
    "sightline_redis_errors_total",
    "sightline_filtered_total",
    "sightline_short_lists_total",
    "sightline_shown_total",
    "sightline_clicked_total",
    "sightline_catalog_lag_records",
}


def ask(worker: Worker, path: str) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", worker.metrics_port, timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def sampled(worker: Worker) -> set[str]:
    """The families of which the worker shows at least one sample."""
    samples = re.findall(r"^(sightline_\w+?)(?:_bucket|_count|_sum)?[{ ]", ask(worker, "/metrics")[1], re.MULTILINE)
    return set(samples)


def eventually(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < until, f"not within {DEADLINE_S:.0f} s: {what}"
        time.sleep(0.1)


class Traffic:
    """Clicks, changes and pictures, published until it is closed."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._publisher = EventPublisher(bootstrap, prefix=prefix)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._flow)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        self._publisher.close()

    def _flow(self) -> None:
        picture = BytesIO()
        Image.new("RGB", (240, 240), (200, 30, 40)).save(picture, "JPEG")
        count = 0
        while not self._ending.wait(0.02):
            count += 1
            now = time.time_ns() // 1_000_000
            user, item = f"u{count % 7}", f"i{count % 20}"
            self._publisher.publish(
                Interaction(event_id=f"c{count}", type="click", user_id=user, item_id=item, occurred_at_ms=now)
            )
            self._publisher.publish(ItemChange(event_id=f"s{count}", item_id=item, occurred_at_ms=now, price=count))
            if count % 5 == 0:
                picture_event = Upload(
                    event_id=f"n{count}", item_id=item, user_id=user, occurred_at_ms=now, image=picture.getvalue()
                )
                self._publisher.publish(picture_event)


@pytest.fixture(scope="module")
def settings(stack: RunningStack) -> Settings:
    return stack.settings.model_copy(update={"topic_prefix": "worker-test.", "partitions": 4})


@pytest.fixture(scope="module")
def crew(stack: RunningStack, settings: Settings) -> Iterator[Workers]:
    """All workers with events flowing; what a test ends, it need not start again."""
    create_topics(stack.endpoints.kafka, Namespace(settings.topic_prefix), settings.partitions, 1)
    workers = Workers(settings, stack.endpoints)
    with workers.borrowed(NAMES), closing(Traffic(stack.endpoints.kafka, settings.topic_prefix)):
        yield workers


@pytest.fixture(params=NAMES)
def worker(request: pytest.FixtureRequest, crew: Workers) -> Worker:
    name: WorkerName = request.param
    return crew.start(name)


def test_a_worker_is_ready_and_lives(worker: Worker) -> None:
    assert [ask(worker, "/readyz"), ask(worker, "/healthz")] == [(200, "ok\n"), (200, "ok\n")]


def test_the_promised_metrics_have_samples_while_events_flow(worker: Worker) -> None:
    eventually(lambda: PROMISED[worker.name] <= sampled(worker), f"{PROMISED[worker.name] - sampled(worker)}")


def test_metrics_that_have_no_sample_yet_are_declared(worker: Worker) -> None:
    page = ask(worker, "/metrics")[1]
    assert {name for name in DECLARED if f"# TYPE {name} " not in page} == set()


def test_no_metric_has_a_label_without_bounds(worker: Worker) -> None:
    labels = set(re.findall(r'[{,](\w+)="', ask(worker, "/metrics")[1]))
    assert not labels & {"user_id", "item_id", "event_id", "user", "item", "retry_num"}


def test_a_worker_keeps_up_with_its_topics(worker: Worker) -> None:
    def lags() -> list[float]:
        found = re.findall(r"^sightline_consumer_lag_records{.*} (\S+)$", ask(worker, "/metrics")[1], re.MULTILINE)
        return [float(lag) for lag in found]

    partitions = 1 if worker.name == "learning" else 4
    eventually(lambda: len(lags()) >= partitions and max(lags()) < 50, f"lags {lags()}")


def test_a_worker_told_to_end_while_events_flow_ends_in_under_ten_seconds_and_well(
    worker: Worker, crew: Workers
) -> None:
    begun = time.monotonic()
    crew.stop(worker)
    assert time.monotonic() - begun < 10
    log = worker.log.read_text()
    assert '"event": "stopped"' in log.splitlines()[-1]
    assert "Traceback" not in log


def test_a_worker_started_again_takes_up_where_it_ended(worker: Worker) -> None:
    eventually(lambda: "sightline_last_progress_timestamp_seconds" in sampled(worker), "no progress")
    assert "sightline_rollbacks_total 0.0" in ask(worker, "/metrics")[1]


@pytest.mark.parametrize("name", NAMES)
def test_without_topics_a_worker_ends_and_says_what_to_do(
    name: WorkerName, stack: RunningStack, topic_prefix: str, tmp_path: Path
) -> None:
    settings = stack.settings.model_copy(update={"topic_prefix": topic_prefix, "home": tmp_path})
    with pytest.raises(StackError, match=r"is missing: run `sightline topics create`"):
        Workers(settings, stack.endpoints).start(name)


def test_a_worker_told_to_end_before_it_is_ready_ends_at_once(
    stack: RunningStack, settings: Settings, crew: Workers, tmp_path: Path
) -> None:
    """Uploads wait for a Triton that is not there."""
    nowhere = replace(stack.endpoints, triton="127.0.0.1:1")
    workers = Workers(settings.model_copy(update={"home": tmp_path}), nowhere)

    def start() -> None:
        with pytest.raises(StackError, match="ended at once"):
            workers.start("uploads")

    starting = threading.Thread(target=start)
    starting.start()
    eventually(lambda: (found := workers.find("uploads")) is not None and "starting" in found.log.read_text(), "start")
    waiting = workers.find("uploads")
    assert waiting is not None
    eventually(lambda: "EncoderUnavailable" in waiting.log.read_text(), "waiting for Triton")
    begun = time.monotonic()
    process.end(waiting.process, grace=30.0)
    assert time.monotonic() - begun < 10
    assert '"event": "stopped"' in waiting.log.read_text().splitlines()[-1]
    starting.join()


async def test_a_crash_inside_faust_is_a_failure_of_the_process(settings: Settings) -> None:
    async with AsyncExitStack() as parts:
        worker = Process("items", settings, Addresses("127.0.0.1:1", "redis://127.0.0.1:1", "127.0.0.1:1"), parts)
        assert worker.failure is None
        await worker.app.crash(ZeroDivisionError("a bug"))
    assert isinstance(worker.failure, ZeroDivisionError)
