"""The stack on this machine, with a tiny test model in Triton."""

import dataclasses
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from deploy import record
from deploy.errors import StackError
from deploy.local import ALL, ServiceStatus, Stack
from deploy.process import Process
from deploy.record import Record
from deploy.service import ServiceName
from deploy.triton_server import TritonServer
from streams.settings import Settings

pytestmark = pytest.mark.stack

TOOLS = Path(__file__).parents[2] / ".sightline" / "tools"

MODEL_CONFIG = """
backend: "python"
max_batch_size: 8
input [{name: "pixel", data_type: TYPE_UINT8, dims: [1]}]
output [{name: "echo", data_type: TYPE_UINT8, dims: [1]}]
instance_group [{kind: KIND_CPU}]
"""

MODEL = """
import triton_python_backend_utils as triton

class TritonPythonModel:
    def execute(self, requests):
        inputs = [triton.get_input_tensor_by_name(request, "pixel").as_numpy() for request in requests]
        return [triton.InferenceResponse([triton.Tensor("echo", pixel)]) for pixel in inputs]
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Home:
    """The settings and models of a stack, from which a test makes a new Stack as another command does."""

    settings: Settings
    models: Path

    def stack(self, progress: Callable[[str], None] = lambda _: None) -> Stack:
        return Stack(self.settings, models=self.models, progress=progress)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    models = tmp_path_factory.mktemp("models")
    (models / "echo" / "1").mkdir(parents=True)
    (models / "echo" / "config.pbtxt").write_text(MODEL_CONFIG)
    (models / "echo" / "1" / "model.py").write_text(MODEL)
    settings = settings_at(tmp_path_factory.mktemp("local")).model_copy(update={"encoder": "echo"})
    home = Home(settings, models)
    try:
        yield home
    finally:
        home.stack().down()


@pytest.fixture
def running(home: Home) -> Stack:
    """The stack of the module, healthy again after the test before."""
    stack = home.stack()
    stack.up()
    return stack


def settings_at(home: Path) -> Settings:
    return Settings(home=home, tools=TOOLS, kafka=None, redis=None, triton=None)


def status_of(stack: Stack, name: ServiceName) -> ServiceStatus:
    return {status.name: status for status in stack.status()}[name]


def pids(stack: Stack) -> dict[ServiceName, int | None]:
    return {status.name: status.pid for status in stack.status()}


def is_listening(address: str) -> bool:
    host, _, port = address.rpartition("/")[2].partition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def write_record(kafka: str, topic: str, value: bytes) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def read_record(kafka: str, topic: str) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "test", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(30)
        assert message is not None
        assert message.error() is None
        return message.value()
    finally:
        consumer.close()


def test_every_service_runs_and_reports_its_version(running: Stack) -> None:
    states = running.status()
    assert [status.state for status in states] == ["running"] * 3
    assert [status.name for status in states if not status.version] == []


def test_triton_serves_metrics_where_the_endpoints_say(running: Stack) -> None:
    with urlopen(f"http://{running.endpoints().triton_metrics}/metrics", timeout=10) as answer:
        assert b"nv_inference_count" in answer.read()


def test_up_again_starts_nothing_new(home: Home, running: Stack) -> None:
    before = pids(running)
    home.stack().up()
    assert pids(running) == before


def test_another_command_finds_the_same_addresses(home: Home, running: Stack) -> None:
    assert home.stack().endpoints() == running.endpoints()


def test_a_service_has_a_session_of_its_own_so_that_ctrl_c_spares_it(running: Stack) -> None:
    pid = status_of(running, "redis").pid
    assert pid is not None
    assert os.getsid(pid) == pid


def test_down_and_up_keep_a_redis_key(running: Stack) -> None:
    with redis.Redis.from_url(running.endpoints().redis) as client:
        client.set("kept", "yes")
    running.down(["redis"])
    with redis.Redis.from_url(running.up(["redis"]).redis) as client:
        assert client.get("kept") == b"yes"


def test_down_and_up_keep_a_kafka_record(running: Stack, topic_prefix: str) -> None:
    topic = topic_prefix + "kept"
    write_record(running.endpoints().kafka, topic, b"yes")
    running.down(["kafka"])
    assert read_record(running.up(["kafka"]).kafka, topic) == b"yes"


def test_kafka_creates_no_topic_by_itself(running: Stack, topic_prefix: str) -> None:
    admin = AdminClient({"bootstrap.servers": running.endpoints().kafka})
    admin.list_topics(topic_prefix + "typo", timeout=10)
    assert topic_prefix + "typo" not in admin.list_topics(timeout=10).topics


def test_redis_refuses_to_evict(running: Stack) -> None:
    with redis.Redis.from_url(running.endpoints().redis) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


@pytest.mark.parametrize("name", ALL)
def test_a_killed_service_starts_again_on_its_address(running: Stack, name: ServiceName) -> None:
    before = running.endpoints()
    running.kill(name)
    assert status_of(running, name).state == "stopped"
    assert running.start(name) == before
    assert status_of(running, name).state == "running"


def test_a_paused_service_is_unhealthy_until_it_is_resumed(running: Stack) -> None:
    running.pause("redis")
    assert status_of(running, "redis").state == "unhealthy"
    running.resume("redis")
    assert status_of(running, "redis").state == "running"


def test_up_replaces_a_service_that_lives_but_does_not_answer(running: Stack) -> None:
    before = status_of(running, "redis")
    running.pause("redis")
    running.up(["redis"])
    after = status_of(running, "redis")
    assert (after.state, after.address) == ("running", before.address)
    assert after.pid != before.pid


def test_a_service_moves_to_another_port_when_its_own_is_taken(running: Stack) -> None:
    running.down(["kafka"])
    host, _, port = running.endpoints().kafka.partition(":")
    with socket.create_server((host, int(port))):
        moved = running.up(["kafka"]).kafka
    assert moved != f"{host}:{port}"
    brokers = AdminClient({"bootstrap.servers": moved}).list_topics(timeout=10).brokers
    assert [f"{broker.host}:{broker.port}" for broker in brokers.values()] == [moved]


def test_down_leaves_no_process(running: Stack) -> None:
    before = [pid for pid in pids(running).values() if pid is not None]
    running.down()
    assert len(before) == 3
    assert [pid for pid in before if Path(f"/proc/{pid}").exists()] == []


def test_a_killed_triton_leaves_no_shared_memory_after_down(home: Home, running: Stack) -> None:
    root = home.settings.home.resolve()
    triton = TritonServer(
        data=root / "data" / "triton", tools=TOOLS, logs=root / "logs", models=home.models, encoder="echo"
    )
    assert triton.regions() != []
    running.kill("triton")
    running.down(["triton"])
    assert triton.regions() == []


def test_two_ups_at_once_start_one_redis(tmp_path: Path) -> None:
    command = ["sightline", "up", "redis", "--json"]
    environment = {**os.environ, "SIGHTLINE_HOME": str(tmp_path), "SIGHTLINE_TOOLS": str(TOOLS)}
    try:
        both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
        outputs = [process.communicate(timeout=90)[0] for process in both]
        assert outputs[0] == outputs[1]
        log = (tmp_path / "logs" / "redis.log").read_text()
        assert log.count("Ready to accept connections") == 1
    finally:
        Stack(settings_at(tmp_path)).down()


def test_a_process_with_a_recycled_pid_is_not_ended(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        recycled = Record(Process(stranger.pid, "another boot/1"), {"redis": 20_001})
        record.save(tmp_path / "run" / "redis.json", recycled)
        stack = Stack(settings_at(tmp_path))
        assert status_of(stack, "redis").state == "stopped"
        stack.down()
        assert stranger.poll() is None
        stranger.kill()


def test_borrowed_leaves_a_stopped_service_stopped(tmp_path: Path) -> None:
    stack = Stack(settings_at(tmp_path))
    with stack.borrowed(["redis"]) as endpoints:
        assert is_listening(endpoints.redis)
    assert status_of(stack, "redis").state == "stopped"


def test_borrowed_leaves_a_running_service_running(tmp_path: Path) -> None:
    stack = Stack(settings_at(tmp_path))
    try:
        stack.up(["redis"])
        with stack.borrowed(["redis"]):
            pass
        assert status_of(stack, "redis").state == "running"
    finally:
        stack.down()


def test_an_existing_service_is_used_and_neither_started_nor_ended(running: Stack, tmp_path: Path) -> None:
    theirs = running.endpoints()
    settings = settings_at(tmp_path).model_copy(
        update={"kafka": theirs.kafka, "redis": theirs.redis, "triton": theirs.triton}
    )
    guest = Stack(settings)
    assert guest.up() == dataclasses.replace(theirs, triton_metrics=None)
    guest.down()
    assert [status.state for status in guest.status()] == ["external"] * 3
    assert [status.state for status in running.status()] == ["running"] * 3


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("kafka", "127.0.0.1:1"),
        ("redis", "redis://127.0.0.1:1"),
        ("triton", "127.0.0.1:1"),
        ("redis", "127.0.0.1:6379"),
    ],
)
def test_a_wrong_address_is_named_with_its_variable(tmp_path: Path, name: ServiceName, address: str) -> None:
    stack = Stack(settings_at(tmp_path).model_copy(update={name: address}))
    with pytest.raises(StackError, match=f"SIGHTLINE_{name.upper()} is '{address}'.*unset it"):
        stack.up([name])


def test_a_service_that_cannot_start_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    aof = tmp_path / "data" / "redis" / "appendonlydir" / "appendonly.aof.manifest"
    aof.parent.mkdir(parents=True)
    aof.write_text("this is no manifest\n")
    begun = time.monotonic()
    with pytest.raises(StackError, match=r"(?s)redis ended at once.*redis\.log.*manifest"):
        Stack(settings_at(tmp_path)).up(["redis"])
    assert time.monotonic() - begun < 30


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run" / "redis.json"
    path.parent.mkdir()
    path.write_text('{"process": 7')
    with pytest.raises(StackError, match=f"{path} is not a record"):
        Stack(settings_at(tmp_path)).status()
