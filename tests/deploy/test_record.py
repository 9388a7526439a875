import socket
from pathlib import Path

import pytest

from deploy import record
from deploy.errors import StackError
from deploy.process import Process
from deploy.record import Record


def test_a_saved_record_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "run" / "redis.json"
    saved = Record(Process(7, "boot/1"), {"redis": 20_000})
    record.save(path, saved)
    assert record.load(path) == saved


def test_a_missing_record_is_empty(tmp_path: Path) -> None:
    assert record.load(tmp_path / "none.json") == Record(None, {})


@pytest.mark.parametrize(
    "text", ["", "7", "{}", '{"process": {"pid": 1}, "ports": {}}', '{"process": null, "ports": []}']
)
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "redis.json"
    path.write_text(text)
    with pytest.raises(StackError, match=f"{path} is not a record"):
        record.load(path)


def test_a_free_port_is_kept() -> None:
    port = record.keep_or_choose(["grpc"], {})["grpc"]
    assert record.keep_or_choose(["grpc"], {"grpc": port}) == {"grpc": port}


def test_a_taken_port_is_replaced() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert record.keep_or_choose(["grpc"], {"grpc": taken})["grpc"] != taken


def test_ports_of_one_service_differ() -> None:
    assert len(set(record.keep_or_choose(["a", "b", "c"], {"a": 20_777, "b": 20_777, "c": 20_777}).values())) == 3


def test_remembered_ports_stay_the_same(tmp_path: Path) -> None:
    path = tmp_path / "run" / "triton.json"
    assert record.remembered_ports(path, ["grpc", "http"]) == record.remembered_ports(path, ["grpc", "http"])
