import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from benchmarks.faults.proxy import Proxy

TIMEOUT_S = 10.0


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        with Proxy("127.0.0.1", server.server_address[1]) as proxy:
            yield proxy
        server.shutdown()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=TIMEOUT_S)


def test_data_passes_in_both_directions(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        connection.sendall(b"there and back\n")
        assert connection.makefile("rb").readline() == b"there and back\n"


def test_an_answer_is_late_by_the_delay(proxy: Proxy) -> None:
    proxy.delay_s = 0.3
    with connect(proxy) as connection:
        begun = time.monotonic()
        connection.sendall(b"slowly\n")
        connection.makefile("rb").readline()
        assert time.monotonic() - begun >= 0.3


def test_a_cut_ends_connections_and_refuses_new_ones(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        connection.sendall(b"once\n")
        connection.makefile("rb").readline()
        proxy.cut()
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)


def test_after_healing_the_same_port_answers_again(proxy: Proxy) -> None:
    port = proxy.port
    proxy.cut()
    proxy.heal()
    assert proxy.port == port
    with connect(proxy) as connection:
        connection.sendall(b"again\n")
        assert connection.makefile("rb").readline() == b"again\n"
