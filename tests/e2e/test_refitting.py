"""Latent factors that are trained again and again on real topics, beside a worker that makes lists."""

import re
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from deploy.workers import Workers
from streams.wire.events import Interaction, encode
from tests.cli.conftest import environment
from tests.e2e.conftest import System, eventually, variables_of

pytestmark = pytest.mark.stack

ITEMS = 12


def test_a_second_training_is_taken_up_by_a_running_worker(system: System, tmp_path: Path) -> None:
    place = tmp_path / "factors"
    workers = Workers(system.settings.model_copy(update={"factors": str(place)}), system.stack.endpoints)
    choose(system, "early")
    port = workers.start("interactions").metrics_port
    words = ("sightline", "train", "factors", "--from-kafka", "--every", "0.001", "--dimensions", "4")
    variables = variables_of(system) | {"factors": str(place), "metrics_port": "0", "metrics_host": "127.0.0.1"}
    with subprocess.Popen(words, env=environment(**variables)) as trainer:
        try:
            eventually(lambda: items_with_factors(port) == ITEMS, "the first training is taken up")
            choose(system, "late")
            eventually(lambda: items_with_factors(port) == 2 * ITEMS, "and the second one")
        finally:
            trainer.terminate()
        assert trainer.wait(30) == 0


def choose(system: System, name: str) -> None:
    """Ten users choose among items of this name."""
    producer = system.producer()
    for user in range(10):
        for number in range(6):
            item = f"{name}-{(2 * user + number) % ITEMS}"
            now_ms = time.time_ns() // 1_000_000
            event = Interaction(
                event_id=f"{user}-{item}", occurred_at_ms=now_ms, type="click", user_id=f"{name}{user}", item_id=item
            )
            producer.produce(system.topic("events.interactions"), key=event.user_id.encode(), value=encode(event))
    producer.flush()


def items_with_factors(port: int) -> float:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        found = re.search(r"^sightline_factor_items (\S+)$", page.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0
