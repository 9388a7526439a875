"""Uploads wait for a model of the gate that is not there or has other tensors, and are held once it judges them."""

import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from deploy.local import Stack
from deploy.workers import Workers
from state.codec import decode_item
from streams.client import EventPublisher
from streams.events import Upload
from streams.kafka.admin import create_topics
from streams.wire.namespace import Namespace
from tests.cli.conftest import last_json, run
from tests.conftest import RunningStack
from tests.e2e.conftest import System, eventually, jpeg, variables_of
from tests.harness.fakes import NOON

pytestmark = pytest.mark.stack

#: So low that every picture is unsafe: there are no others to test with. Text is looked for, too.
GATE = {"gate": "unsafe:hold,text:allow", "unsafe_from": 1e-6}
ENCODER_ALONE = {"gate": ""}


@pytest.fixture
def judged(tmp_path: Path, stack: RunningStack) -> Iterator[System]:
    """A system whose Triton and models are its own; it starts without a safety model."""
    models = tmp_path / "models"
    shutil.copytree(stack.settings.tools / "models" / "visual_encoder", models / "visual_encoder")
    update = {"topic_prefix": f"t{uuid.uuid4().hex[:10]}.", "partitions": 2, "words": "off", "home": tmp_path} | GATE
    endpoints = stack.endpoints
    own = {"kafka": endpoints.kafka, "redis": endpoints.redis}
    settings = stack.settings.model_copy(update=update | own)
    triton = Stack(settings.model_copy(update=ENCODER_ALONE), models=models)
    try:
        endpoints = replace(endpoints, triton=triton.up(["triton"]).triton)
        create_topics(endpoints.kafka, Namespace(settings.topic_prefix), settings.partitions, 1)
        workers = Workers(settings, endpoints)
        with workers.borrowed(("uploads", "items")):
            yield System(settings, RunningStack(triton, endpoints, settings), workers)
    finally:
        triton.down(["triton"])


def test_uploads_wait_until_the_model_is_there_and_as_it_should_be(judged: System, tmp_path: Path) -> None:
    with EventPublisher(judged.kafka, prefix=judged.settings.topic_prefix) as publisher:
        publisher.publish(upload("first"))
    eventually(lambda: count(judged, "unavailable") > 2, "the model was asked for in vain")
    assert findings(judged)["safety"][0] == "wrong"
    assert judged.read("state.catalog") == []

    write_other_contract(tmp_path / "models" / "safety")
    restart(judged, ENCODER_ALONE)
    eventually(lambda: "nsfw" in findings(judged)["safety"][1], "the doctor names the other tensor")
    assert judged.read("state.catalog") == []

    shutil.rmtree(tmp_path / "models" / "safety")
    restart(judged, {})
    eventually(lambda: len(judged.read("state.catalog")) == 1, "the picture that waited is in the catalogue")
    (record,) = judged.read("state.catalog")
    assert record.value is not None
    assert decode_item(record.value).held == ("unsafe",)
    assert [findings(judged)[model][0] for model in ("safety", "text")] == ["ok", "ok"]
    assert [count(judged, "ok", model) for model in ("safety", "text")] == [1, 1]
    assert judged.read("dead-letters") == []


def upload(name: str) -> Upload:
    return Upload(event_id=name, item_id=name, user_id="seller", occurred_at_ms=NOON, image=jpeg((200, 30, 30)))


def restart(system: System, update: Mapping[str, str]) -> None:
    """Triton as settings have it, on the same port."""
    system.stack.stack.down(["triton"])
    Stack(system.settings.model_copy(update=update), models=system.settings.home / "models").up(["triton"])


def write_other_contract(model: Path) -> None:
    """A model of the same name that gives something else."""
    (model / "1").mkdir(parents=True)
    (model / "1" / "model.py").write_text(
        "class TritonPythonModel:\n    def execute(self, requests):\n        return []\n"
    )
    (model / "config.pbtxt").write_text(
        'name: "safety"\nbackend: "python"\nmax_batch_size: 8\n'
        'input [ { name: "pixels" data_type: TYPE_UINT8 dims: [ 224, 224, 3 ] } ]\n'
        'output [ { name: "nsfw" data_type: TYPE_FP32 dims: [ 2 ] } ]\n'
        "instance_group [ { kind: KIND_CPU count: 1 } ]\n"
    )


def findings(system: System) -> dict[str, tuple[str, str]]:
    """What the doctor says, by check: the level and the detail."""
    endpoints = system.stack.endpoints
    addresses = {"kafka": endpoints.kafka, "redis": endpoints.redis, "triton": endpoints.triton}
    gate = {"gate": system.settings.gate, "words": "off"}
    report = last_json(run("doctor", "--json", variables=variables_of(system) | addresses | gate))
    return {one["check"]: (one["level"], one["detail"]) for one in report["findings"]}


def count(system: System, outcome: str, model: str = "safety") -> float:
    """How many pictures the uploads worker had judged with this outcome."""
    worker = system.workers.find("uploads")
    assert worker is not None
    with urlopen(f"http://127.0.0.1:{worker.metrics_port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    name = f'sightline_inference_seconds_count{{model="{model}",outcome="{outcome}"}}'
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))
