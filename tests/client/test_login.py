import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sightline_client import AccessRefused, KafkaSecurity
from sightline_client.login import sign_in
from tests.harness.certificates import Authority

NOTHING_LISTENS = "127.0.0.1:1"


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[str]:
    """The address of a server whose certificate is of an authority of its own."""
    certificate = Authority(tmp_path).issue("broker", "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert, certificate.key)

    def greet() -> None:
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                with plain, suppress(ssl.SSLError):
                    context.wrap_socket(plain, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_refusal_of_one_address_is_told_at_once_though_another_is_silent(stranger: str) -> None:
    begun = time.monotonic()
    with pytest.raises(AccessRefused, match="CERTIFICATE_VERIFY_FAILED"):
        sign_in(f"{NOTHING_LISTENS},{stranger}", KafkaSecurity(protocol="SSL"))
    assert time.monotonic() - begun < 5


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AccessRefused, match=r"its PEM files cannot be used: .*No such file"):
        sign_in(NOTHING_LISTENS, KafkaSecurity(protocol="SSL", ca_file=tmp_path / "ca.pem"))


def test_without_tls_and_login_nothing_is_asked() -> None:
    sign_in(NOTHING_LISTENS, KafkaSecurity())
