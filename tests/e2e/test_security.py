"""Servers that trust nobody: Kafka with TLS, SCRAM and ACLs, Redis with ACLs and TLS, Triton with mutual TLS."""

import os
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # ships no types
from kafka.admin import (  # type: ignore[import-untyped]
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)
from pydantic import SecretStr

from benchmarks.faults.proxy import Proxy
from deploy import process, record
from deploy.errors import StackError
from deploy.health import await_healthy
from deploy.kafka_server import KafkaServer
from deploy.local import Endpoints, Stack
from deploy.redis_server import RedisServer
from deploy.service import Service
from deploy.triton_server import TritonServer
from deploy.workers import SIGHTLINE, Workers
from inference.encoders.encoder import SHAPE
from inference.encoders.tls import TritonTls
from inference.encoders.triton import TritonEncoder
from inference.errors import EncoderUnavailable
from state.errors import StateUnavailable
from state.keys import Keys
from state.redis import RedisPartitions, connect
from state.redis_login import COMMANDS, RedisAccess
from streams.client import EventPublisher, RecommendationSubscriber
from streams.credentials import KafkaSecurity
from streams.errors import AccessRefused, BrokerUnavailable, NotDelivered
from streams.kafka.acls import Role, grants
from streams.kafka.admin import check_topics, create_topics
from streams.settings import Settings
from streams.wire.events import Interaction, ItemChange
from streams.wire.namespace import Namespace
from tests.e2e.conftest import eventually
from tests.harness.certificates import Authority

pytestmark = pytest.mark.stack

TOOLS = Path(__file__).parents[2] / ".sightline" / "tools"
PREFIX = "shop."
ROLES: tuple[Role, ...] = ("publisher", "feed-service", "web", "worker", "operator")
VISITOR = "visitor-77"
WRONG = "not-the-passw0rd"


def password(user: str) -> str:
    """A password that would be found wherever it was shown."""
    return f"{user}-hunter2"


@contextmanager
def serving(service: Service, home: Path, ports: dict[str, int], address: str) -> Iterator[None]:
    """A server for one test, ended by pid."""
    service.prepare(lambda _: None)
    command = service.command(ports)
    log = home / f"{service.name}.log"
    running = process.spawn(command.argv, log=log, env=command.env)
    try:
        await_healthy(service, running, address, log=log, seconds=60)
        yield
    finally:
        process.end(running, grace=10)
        service.clean()


@dataclass(frozen=True, slots=True)
class Kafka:
    """A Kafka that knows its users, and lets each do what its role may."""

    address: str
    ca: Path

    def user(self, name: str, secret: str | None = None) -> KafkaSecurity:
        """How a user signs in."""
        return KafkaSecurity(
            protocol="SASL_SSL", ca_file=self.ca, username=name, password=password(name) if secret is None else secret
        )

    def publisher(self, name: str, secret: str | None = None) -> EventPublisher:
        return EventPublisher(self.address, prefix=PREFIX, security=self.user(name, secret))

    def subscriber(self, name: str, secret: str | None = None, group: str | None = None) -> RecommendationSubscriber:
        return RecommendationSubscriber(
            self.address, prefix=PREFIX, group=group, security=self.user(name, secret), from_beginning=True
        )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secured")


@pytest.fixture(scope="module")
def authority(home: Path) -> Authority:
    return Authority(home)


@pytest.fixture(scope="module")
def kafka(home: Path, authority: Authority) -> Iterator[Kafka]:
    broker = authority.issue("broker", "127.0.0.1")
    jaas = "org.apache.kafka.common.security.scram.ScramLoginModule"
    properties = {
        "listeners": "CLIENTS://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": "CLIENTS://127.0.0.1:{broker}",
        "listener.security.protocol.map": "CLIENTS:SASL_SSL,CONTROLLER:SSL",
        "inter.broker.listener.name": "CLIENTS",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.clients.scram-sha-512.sasl.jaas.config": (
            f'{jaas} required username="admin" password="{password("admin")}";'
        ),
        # The controller's port is for brokers, which show a certificate of ours.
        "listener.name.controller.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(broker.both),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.ca),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:admin;User:broker",
    }
    users = {name: password(name) for name in ("admin", *ROLES)}
    admin = Kafka("", authority.ca).user("admin")
    server = KafkaServer(
        data=home / "kafka", tools=TOOLS.resolve(), logs=home, properties=properties, scram=users, security=admin
    )
    ports = record.keep_or_choose(server.port_names, {})
    made = Kafka(server.address(ports["broker"]), authority.ca)
    with serving(server, home, ports, made.address):
        permit(made)
        create_topics(made.address, Namespace(PREFIX), 2, 1, security=made.user("operator"))
        yield made


def permit(kafka: Kafka) -> None:
    """Give every role what `sightline topics acls` prints."""
    wanted = [
        ACL(
            f"User:{role}",
            "*",
            ACLOperation[grant.operation.replace("eC", "e_C").upper()],
            ACLPermissionType.ALLOW,
            ResourcePattern(
                ResourceType[grant.resource.upper()],
                name,
                ACLResourcePatternType.PREFIXED if grant.resource == "group" else ACLResourcePatternType.LITERAL,
            ),
        )
        for role in ROLES
        for grant in grants(role, Namespace(PREFIX))
        for name in grant.names
    ]
    with closing(KafkaAdminClient(bootstrap_servers=kafka.address, **kafka.user("admin").python_options())) as admin:
        assert not admin.create_acls(wanted)["failed"]


@pytest.fixture(scope="module")
def redis(home: Path) -> Iterator[tuple[str, RedisAccess]]:
    """A Redis whose only user is the workers'."""
    access = RedisAccess(username="worker", password=password("worker"))
    server = RedisServer(data=home / "redis", options={"aclfile": acl_file(home)}, access=access)
    ports = record.keep_or_choose(server.port_names, {})
    with serving(server, home, ports, server.address(ports["redis"])):
        yield server.address(ports["redis"]), access


def acl_file(home: Path) -> str:
    file = home / "users.acl"
    file.write_text(f"user default off\nuser worker on >{password('worker')} {COMMANDS}\n")
    return str(file)


@pytest.fixture(scope="module")
def settings(home: Path, kafka: Kafka, redis: tuple[str, RedisAccess]) -> Settings:
    """What a worker of this system is told."""
    return Settings(
        home=home,
        tools=TOOLS,
        topic_prefix=PREFIX,
        partitions=2,
        kafka=kafka.address,
        kafka_protocol="SASL_SSL",
        kafka_ca=kafka.ca,
        kafka_username="worker",
        kafka_password=password("worker"),
        redis=redis[0],
        redis_username="worker",
        redis_password=password("worker"),
        triton="127.0.0.1:1",
    )


def click(item: str = "i1") -> Interaction:
    now_ms = time.time_ns() // 1_000_000
    return Interaction(event_id=uuid.uuid4().hex, type="click", user_id=VISITOR, item_id=item, occurred_at_ms=now_ms)


def sightline(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with these settings."""
    environment = os.environ | settings.environment()
    command = [*SIGHTLINE, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_an_event_of_the_publisher_becomes_a_list_of_the_feed_service_and_no_secret_is_shown(
    kafka: Kafka, settings: Settings
) -> None:
    workers = Workers(settings, Endpoints(kafka.address, str(settings.redis), str(settings.triton), None))
    with workers.borrowed(("interactions", "items")) as running:
        with kafka.publisher("publisher") as publisher:
            publisher.publish(ItemChange(event_id="c1", item_id="i1", occurred_at_ms=1, price=1.0))
            publisher.publish(click())
        with kafka.subscriber("feed-service", group=f"{PREFIX}feed-1") as lists:
            eventually(lambda: any(one.user_id == VISITOR for one in lists.poll(1.0)), "the visitor has a list")
        metrics = "".join(page(worker.metrics_port, "/metrics") for worker in running)
        logs = "".join(worker.log.read_text() for worker in running)
        for worker in running:
            answers_here_alone(worker.metrics_port)
    assert "hunter2" not in metrics + logs
    assert VISITOR not in metrics


def test_the_web_door_needs_no_more_than_its_role(kafka: Kafka, settings: Settings) -> None:
    own = settings.model_copy(update={"kafka_username": "web", "kafka_password": SecretStr(password("web"))})
    workers = Workers(own, Endpoints(kafka.address, str(own.redis), str(own.triton), None))
    with workers.borrowed(("web",)) as [door], httpx.Client(base_url=f"http://127.0.0.1:{door.web_port}") as client:
        said = {"type": "click", "user_id": VISITOR, "item_id": "i1"}
        assert client.post("/v1/events", json=said).json()["accepted"] == 1
        assert client.patch("/v1/items/i2", json={"price": 2.0}).status_code == 200
        assert client.post(f"/v1/users/{VISITOR}/export").status_code == 202
        assert client.get(f"/v1/users/{VISITOR}/recommendations").status_code == 200
        # What it follows of Kafka, it may read; and each promise of Kafka is known.
        assert client.get("/readyz").text == "ok\n"
        log = door.log.read_text()
    assert "hunter2" not in log
    assert "Authorization" not in log
    # A topic that was just created may have no leader for a moment: it is read again.
    assert [line for line in log.splitlines() if '"level": "warning"' in line and "_unread" not in line] == []


def publish(publisher: EventPublisher) -> None:
    with closing(publisher):
        publisher.publish(click())
        publisher.flush()


def page(port: int, path: str, host: str = "127.0.0.1") -> str:
    with closing(HTTPConnection(host, port, timeout=10)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read().decode()


def answers_here_alone(port: int) -> None:
    """Bound to one address of this machine, not to all: another of its own does not answer."""
    with pytest.raises(ConnectionRefusedError):
        page(port, "/metrics", host="127.0.0.2")


def test_a_publisher_can_write_no_list(kafka: Kafka) -> None:
    producer = EventPublisher(kafka.address, prefix=f"{PREFIX}x.", security=kafka.user("publisher"))
    with pytest.raises(NotDelivered, match="TopicAuthorizationFailed"):
        publish(producer)


def test_a_publisher_can_read_no_list(kafka: Kafka) -> None:
    with pytest.raises(BrokerUnavailable, match="may not see it"):
        kafka.subscriber("publisher")


def test_a_feed_service_can_write_no_event(kafka: Kafka) -> None:
    with pytest.raises(NotDelivered, match="TopicAuthorizationFailed"):
        publish(kafka.publisher("feed-service"))


def test_a_feed_service_can_join_no_group_of_the_workers(kafka: Kafka) -> None:
    with pytest.raises(AccessRefused, match="GroupAuthorizationFailed"):
        kafka.subscriber("feed-service", group=f"{PREFIX}sightline-interactions")


def test_a_worker_can_change_no_topic(kafka: Kafka) -> None:
    assert check_topics(kafka.address, Namespace(PREFIX), 2, security=kafka.user("operator")) == []
    with pytest.raises(BrokerUnavailable, match="Authorization failed"):
        create_topics(kafka.address, Namespace("other."), 2, 1, security=kafka.user("worker"))


def test_settings_that_a_user_may_not_see_are_unknown(kafka: Kafka) -> None:
    found = check_topics(kafka.address, Namespace(PREFIX), 2, security=kafka.user("feed-service"))
    read = {"shop.recommendations", "shop.trends"}
    assert {(one.kind, one.dangerous) for one in found if one.subject in read} == {("unknown", False)}
    assert {one.kind for one in found if one.subject not in read} == {"missing"}
    worker = check_topics(kafka.address, Namespace(PREFIX), 2, security=kafka.user("worker"))
    assert worker == []


@pytest.mark.parametrize("client", [Kafka.publisher, Kafka.subscriber])
def test_a_wrong_password_is_refused_at_once_and_not_repeated(
    kafka: Kafka, client: Callable[[Kafka, str, str], object]
) -> None:
    begun = time.monotonic()
    with pytest.raises(AccessRefused, match="invalid credentials") as refused:
        client(kafka, "publisher", WRONG)
    assert WRONG not in str(refused.value)
    assert time.monotonic() - begun < 5


def test_a_kafka_that_nobody_vouches_for_is_not_talked_to(kafka: Kafka, tmp_path: Path) -> None:
    stranger = replace(kafka, ca=Authority(tmp_path).ca)
    with pytest.raises(AccessRefused, match="certificate"):
        stranger.publisher("publisher")


def test_a_command_with_a_wrong_password_says_so(settings: Settings) -> None:
    wrong = settings.model_copy(update={"kafka_password": SecretStr("x")})
    done = sightline(wrong, "topics", "check")
    assert done.returncode == 2
    assert "invalid credentials" in done.stderr
    assert "SIGHTLINE_KAFKA_PROTOCOL, _CA, _USERNAME or _PASSWORD" in done.stderr


def test_a_worker_with_a_wrong_password_ends_and_says_why(settings: Settings) -> None:
    wrong = settings.model_copy(update={"kafka_username": "nobody", "home": settings.home / "wrong"})
    workers = Workers(wrong, Endpoints(str(wrong.kafka), str(wrong.redis), str(wrong.triton), None))
    with pytest.raises(StackError, match="invalid credentials") as refused:
        workers.start("items")
    assert "hunter2" not in str(refused.value)


def test_the_status_of_secured_services_is_known(settings: Settings) -> None:
    states = {status.name: status.state for status in Stack(settings).status()}
    assert (states["kafka"], states["redis"]) == ("external", "external")


async def test_redis_refuses_a_wrong_password(redis: tuple[str, RedisAccess]) -> None:
    with pytest.raises(StateUnavailable, match="invalid username-password pair") as refused:
        await load(redis[0], replace(redis[1], password=WRONG))
    assert WRONG not in str(refused.value)


@pytest.mark.parametrize("command", ["FLUSHALL", "CONFIG GET *", "KEYS *", "SHUTDOWN", "GET other", "FUNCTION FLUSH"])
async def test_the_workers_user_can_do_nothing_else_in_redis(redis: tuple[str, RedisAccess], command: str) -> None:
    client = connect(redis[0], access=redis[1])
    try:
        with pytest.raises(Exception, match=r"has no permissions|No permissions"):
            await client.execute_command(*command.split())
    finally:
        await client.aclose()


async def load(address: str, access: RedisAccess) -> dict[int, int]:
    client = connect(address, access=access)
    try:
        return await RedisPartitions(client, Keys("t."), observe=lambda _op, _seconds: None).positions([0])
    finally:
        await client.aclose()


@pytest.fixture(scope="module")
def redis_with_tls(
    home: Path, authority: Authority, redis: tuple[str, RedisAccess]
) -> Iterator[tuple[str, RedisAccess]]:
    """The same Redis behind TLS, which the one from PyPI does not speak itself; its certificate is for 127.0.0.1."""
    certificate = authority.issue("redis", "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert, certificate.key)
    with Proxy("127.0.0.1", urlsplit(redis[0]).port or 0, tls=context) as front:
        yield f"rediss://127.0.0.1:{front.port}", replace(redis[1], ca_file=authority.ca)


async def test_redis_is_reached_with_tls(redis_with_tls: tuple[str, RedisAccess]) -> None:
    assert await load(*redis_with_tls) == {0: -1}


async def test_a_redis_that_nobody_vouches_for_is_not_talked_to(
    redis_with_tls: tuple[str, RedisAccess], tmp_path: Path
) -> None:
    address, access = redis_with_tls
    for ca_file in (None, Authority(tmp_path).ca):
        with pytest.raises(StateUnavailable, match=r"certificate verify failed.*: set SIGHTLINE_REDIS_CA"):
            await load(address, replace(access, ca_file=ca_file))


async def test_a_redis_of_another_host_is_not_talked_to(redis_with_tls: tuple[str, RedisAccess]) -> None:
    address, access = redis_with_tls
    with pytest.raises(StateUnavailable, match="SIGHTLINE_REDIS must name a host of the server's certificate"):
        await load(address.replace("127.0.0.1", "localhost"), access)


async def test_without_tls_a_redis_that_wants_it_does_not_answer(redis_with_tls: tuple[str, RedisAccess]) -> None:
    with pytest.raises(StateUnavailable):
        await load(redis_with_tls[0].replace("rediss:", "redis:"), redis_with_tls[1])


def test_a_command_reaches_redis_with_tls(settings: Settings, redis_with_tls: tuple[str, RedisAccess]) -> None:
    secured = settings.model_copy(update={"redis": redis_with_tls[0], "redis_ca": redis_with_tls[1].ca_file})
    assert {status.name: status.state for status in Stack(secured).status()}["redis"] == "external"
    done = sightline(secured, "user", "show", VISITOR)
    assert done.returncode == 0, done.stderr


def test_doctor_says_which_logins_were_refused_and_what_to_correct(settings: Settings) -> None:
    secret = SecretStr(WRONG)
    done = sightline(settings.model_copy(update={"kafka_password": secret, "redis_password": secret}), "doctor")
    kafka, redis, _ = done.stdout.splitlines()
    assert done.returncode == 1
    assert "invalid credentials" in kafka
    assert kafka.endswith("; correct SIGHTLINE_KAFKA_PROTOCOL, _CA, _USERNAME or _PASSWORD")
    assert "WRONGPASS" in redis
    assert redis.endswith("; correct SIGHTLINE_REDIS_USERNAME and _PASSWORD")
    assert WRONG not in done.stdout + done.stderr


def test_doctor_says_that_redis_asks_for_a_login(settings: Settings) -> None:
    done = sightline(settings.model_copy(update={"redis_username": None, "redis_password": None}), "doctor")
    redis = next(line for line in done.stdout.splitlines() if " redis: " in line)
    assert "NOAUTH" in redis
    assert redis.endswith("; correct SIGHTLINE_REDIS_USERNAME and _PASSWORD")


def test_doctor_says_whom_to_trust(settings: Settings, redis_with_tls: tuple[str, RedisAccess], tmp_path: Path) -> None:
    stranger = {"redis": redis_with_tls[0], "redis_ca": Authority(tmp_path).ca}
    done = sightline(settings.model_copy(update=stranger), "doctor")
    redis = next(line for line in done.stdout.splitlines() if " redis: " in line)
    assert "certificate verify failed" in redis
    assert "SIGHTLINE_REDIS_CA" in redis


def test_doctor_says_what_a_user_may_not_see(settings: Settings) -> None:
    login = {"kafka_username": "feed-service", "kafka_password": SecretStr(password("feed-service"))}
    done = sightline(settings.model_copy(update=login), "doctor")
    assert done.returncode == 1
    assert f"{PREFIX}recommendations keeps its settings from user 'feed-service'; `sightline topics acls" in done.stdout
    assert "user 'feed-service' may not see it: `sightline topics acls`" in done.stdout


async def test_triton_is_reached_with_tls_by_those_it_knows(home: Path, authority: Authority, tmp_path: Path) -> None:
    certificate, ours = authority.issue("triton", "127.0.0.1"), authority.issue("uploads")
    tls = TritonTls(authority.ca, cert_file=ours.cert, key_file=ours.key)
    options = {"grpc-use-ssl": 1, "grpc-use-ssl-mutual": 1, "grpc-server-cert": certificate.cert}
    options |= {"grpc-server-key": certificate.key, "grpc-root-cert": authority.ca}
    tools = TOOLS.resolve()
    server = TritonServer(
        data=tmp_path / "triton",
        tools=tools,
        logs=home,
        models=tools / "models",
        encoder="visual_encoder",
        options=options,
        tls=tls,
    )
    ports = record.keep_or_choose(server.port_names, {})
    address = server.address(ports["grpc"])
    with serving(server, home, ports, address):
        async with await TritonEncoder.connect(address, tls=tls, timeout_s=20) as encoder:
            assert len((await encoder.encode(np.zeros(SHAPE, np.uint8))).embedding) == 256
        for stranger in (None, TritonTls(authority.ca), replace(tls, ca_file=Authority(tmp_path).ca)):
            with pytest.raises(EncoderUnavailable):
                await TritonEncoder.connect(address, tls=stranger, timeout_s=3)
