import http.client
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from prometheus_client import CollectorRegistry, Counter

from streams.worker.probes import Probes


class Health:
    """What the probes of a process under test say."""

    def __init__(self) -> None:
        self.live: list[str] = []
        self.ready: list[str] = []


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def endpoint(health: Health) -> Iterator[Probes]:
    registry = CollectorRegistry()
    Counter("tried_total", "Tries", registry=registry).inc(3)
    with closing(
        Probes("127.0.0.1", 0, live=lambda: health.live, ready=lambda: health.ready, registry=registry)
    ) as made:
        made.start()
        yield made


def ask(endpoint: Probes, path: str, method: str = "GET") -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=10)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode()


def test_metrics_are_those_of_the_registry(endpoint: Probes) -> None:
    status, text = ask(endpoint, "/metrics")
    assert status == 200
    assert "tried_total 3.0" in text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/readyz?verbose"])
def test_a_process_with_nothing_wrong_is_ok(endpoint: Probes, path: str) -> None:
    assert ask(endpoint, path) == (200, "ok\n")


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/nowhere"])
def test_head_is_answered_as_get_without_the_body(endpoint: Probes, health: Health, path: str) -> None:
    for health.ready in ([], ["Redis: connection refused"]):
        with closing(socket.create_connection(("127.0.0.1", endpoint.port))) as connection:
            connection.sendall(f"HEAD {path} HTTP/1.0\r\n\r\n".encode())
            head, body = connection.makefile("rb").read().split(b"\r\n\r\n")
        assert int(head.split()[1]) == ask(endpoint, path)[0]
        assert b"Content-Type: text/plain" in head
        assert body == b""


def test_a_process_that_is_not_ready_says_every_reason(endpoint: Probes, health: Health) -> None:
    health.ready = ["catalogue: 12 records behind", "Kafka: no partitions yet"]
    assert ask(endpoint, "/readyz") == (503, "catalogue: 12 records behind\nKafka: no partitions yet\n")


def test_a_process_can_live_without_being_ready(endpoint: Probes, health: Health) -> None:
    health.ready = ["catalogue: 12 records behind"]
    assert ask(endpoint, "/healthz") == (200, "ok\n")


def test_a_process_that_does_not_live_fails_its_health_check(endpoint: Probes, health: Health) -> None:
    health.live = ["interactions: no progress for 61 s with 900 records waiting"]
    assert ask(endpoint, "/healthz")[0] == 503


def test_a_process_recovers_in_the_next_answer(endpoint: Probes, health: Health) -> None:
    health.ready = ["Redis: connection refused"]
    ask(endpoint, "/readyz")
    health.ready = []
    assert ask(endpoint, "/readyz") == (200, "ok\n")


def test_any_other_path_is_not_found_and_says_what_is(endpoint: Probes) -> None:
    status, text = ask(endpoint, "/table")
    assert status == 404
    assert "/metrics" in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_no_other_method_is_served(endpoint: Probes, method: str) -> None:
    assert ask(endpoint, "/metrics", method)[0] == 501


def test_two_hundred_scrapes_at_once_are_all_answered(endpoint: Probes) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(endpoint, "/metrics")[0], range(200)))
    assert answers == [200] * 200


def test_requests_are_not_logged(endpoint: Probes, capfd: pytest.CaptureFixture[str]) -> None:
    ask(endpoint, "/metrics")
    ask(endpoint, "/nowhere")
    assert capfd.readouterr() == ("", "")


def test_a_scraper_that_hangs_up_is_no_error(endpoint: Probes, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", endpoint.port)) as scraper:
            scraper.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert ask(endpoint, "/healthz")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_broken_probe_is_logged_and_the_port_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    reasons: dict[str, list[str]] = {}
    with closing(Probes("127.0.0.1", 0, live=list, ready=lambda: reasons["ready"])) as endpoint:
        endpoint.start()
        with pytest.raises(http.client.RemoteDisconnected):
            ask(endpoint, "/readyz")
        assert ask(endpoint, "/healthz") == (200, "ok\n")
    assert "KeyError: 'ready'" in capfd.readouterr().err


def test_a_closed_port_is_free_again(endpoint: Probes) -> None:
    endpoint.close()
    with closing(Probes("127.0.0.1", endpoint.port, live=list, ready=list)) as next_one:
        next_one.start()
        assert ask(next_one, "/healthz")[0] == 200


def test_an_endpoint_that_never_started_can_be_closed() -> None:
    endpoint = Probes("127.0.0.1", 0, live=list, ready=list)
    endpoint.close()
    with pytest.raises(ConnectionRefusedError):
        ask(endpoint, "/healthz")


def test_a_taken_port_is_refused_at_once(endpoint: Probes) -> None:
    with pytest.raises(OSError, match="Address already in use"):
        Probes("127.0.0.1", endpoint.port, live=list, ready=list)
