"""The figures of all workers, as they are read from their metrics."""

import socket
from contextlib import closing
from typing import Any

import pytest

from streams.worker.probes import Probes
from tests.harness.web import Door


async def workers(**settings: Any) -> list[dict[str, Any]]:
    async with Door(**settings).client() as client:
        answer = await client.get("/v1/operations")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["workers"]
    return found


async def test_the_figures_of_this_process_come_first_then_those_of_the_workers_that_answer() -> None:
    with closing(Probes("127.0.0.1", 0, live=list, ready=list)) as worker:
        worker.start()
        ours, other, away = await workers(web_workers=f"127.0.0.1:{worker.port}, nobody.invalid:9100,")
    assert (ours["address"], ours["up"]) == ("web", True)
    assert (other["address"], other["up"]) == (f"127.0.0.1:{worker.port}", True)
    assert "sightline_inference_inflight" in other["metrics"]
    assert away == {"address": "nobody.invalid:9100", "up": False, "metrics": {}}


async def test_of_a_service_with_replicas_each_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def resolved(host: str, port: Any, *rest: Any, **more: Any) -> Any:
        if host != "interactions":
            return real(host, port, *rest, **more)
        return [entry for each in ("127.0.0.1", "127.0.0.2") for entry in real(each, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with closing(Probes("127.0.0.1", 0, live=list, ready=list)) as worker:
        worker.start()
        name = f"interactions:{worker.port}"
        _, one, two = await workers(web_workers=name)
    assert (one["address"], one["up"]) == (f"{name} (127.0.0.1)", True)
    assert (two["address"], two["up"]) == (f"{name} (127.0.0.2)", False)
