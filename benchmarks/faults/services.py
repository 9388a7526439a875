"""Starts Kafka, Redis and Triton for faults: plain, behind a proxy, or as three brokers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.faults.breakable_model import breakable_model
from benchmarks.faults.outcome import Need
from benchmarks.faults.proxy import Proxy
from benchmarks.harness.own_stack import own_stack
from deploy.kafka_cluster import KafkaCluster
from deploy.local import Endpoints, Stack
from deploy.service import Progress, ServiceName
from streams.settings import Settings


@dataclass(slots=True)
class Services:
    """The running services. `endpoints` are direct addresses; `seen_by_workers` may lead through proxies."""

    settings: Settings
    stack: Stack
    endpoints: Endpoints
    seen_by_workers: Endpoints
    replication: int = 1
    proxies: dict[ServiceName, Proxy] = field(default_factory=dict)
    brokers: KafkaCluster | None = None
    models: Path | None = None
    #: What `stack` runs of these services.
    names: tuple[ServiceName, ...] = ()

    def restore(self) -> None:
        """Start again what the fault before left ended, so that the next one does not fail for it."""
        self.stack.up(self.names)

    @property
    def kafka(self) -> str:
        """The direct address of Kafka."""
        return self.endpoints.kafka

    @property
    def redis(self) -> str:
        """The direct address of Redis."""
        return self.endpoints.redis


@contextmanager
def running_services(settings: Settings, needs: frozenset[Need], progress: Progress) -> Iterator[Services]:
    """Start the needed services on temporary data; they end on leaving."""
    with ExitStack() as opened:
        names: list[ServiceName] = ["redis"]
        if not needs & {"brokers", "kafka proxy"}:
            names.append("kafka")
        if needs & {"triton", "triton proxy", "broken model"}:
            names.append("triton")
        models = opened.enter_context(breakable_model(settings, progress)) if "broken model" in needs else None
        own, endpoints = opened.enter_context(own_stack(settings, progress, services=names, models=models))
        services = Services(own, Stack(own, models=models), endpoints, endpoints, models=models, names=tuple(names))
        if needs & {"brokers", "kafka proxy"}:
            _start_brokers(services, needs, opened, progress)
        if "redis proxy" in needs:
            address = urlsplit(endpoints.redis)
            proxy = services.proxies["redis"] = opened.enter_context(Proxy("127.0.0.1", address.port or 6379))
            services.seen_by_workers = replace(services.seen_by_workers, redis=f"redis://127.0.0.1:{proxy.port}")
        if "triton proxy" in needs:
            proxy = services.proxies["triton"] = opened.enter_context(Proxy(*_host_and_port(endpoints.triton)))
            services.seen_by_workers = replace(services.seen_by_workers, triton=f"127.0.0.1:{proxy.port}")
        yield services


def _start_brokers(services: Services, needs: frozenset[Need], opened: ExitStack, progress: Progress) -> None:
    """Start three brokers, or one that workers reach through a proxy, in place of the stack's broker."""
    own = services.settings
    proxy = opened.enter_context(Proxy("127.0.0.1")) if "kafka proxy" in needs else None
    seen_through = None if proxy is None else proxy.port
    count = 3 if "brokers" in needs else 1
    brokers = services.brokers = KafkaCluster(own.home / "brokers", own.tools, count=count, seen_through=seen_through)
    opened.callback(brokers.down)
    progress(f"kafka: starting {len(brokers.nodes)} {'broker' if len(brokers.nodes) == 1 else 'brokers'}")
    brokers.up()
    services.endpoints = replace(services.endpoints, kafka=brokers.bootstrap)
    services.replication = len(brokers.nodes)
    seen = brokers.bootstrap
    if proxy is not None:
        proxy.target, seen = brokers.nodes[0].outer_port, f"127.0.0.1:{proxy.port}"
        services.proxies["kafka"] = proxy
    services.seen_by_workers = replace(services.seen_by_workers, kafka=seen)


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
