"""Whether a broker and we trust each other, and if not, why: one connection, asked before a client is made.

kafka-python's clients only log why a login fails and go on trying; when the broker's answer and the end of the
connection arrive together, as they do after a wrong password, they do not even read it. So the three requests of a
login go over a plain socket here, in kafka-python's words.
"""

import socket
import ssl
import time
from contextlib import closing
from typing import Any, Final

from kafka.errors import KafkaError, for_code  # type: ignore[import-untyped]  # ships no types
from kafka.net.sasl import get_sasl_mechanism  # type: ignore[import-untyped]
from kafka.protocol.metadata import ApiVersionsRequest  # type: ignore[import-untyped]
from kafka.protocol.parser import KafkaProtocol  # type: ignore[import-untyped]
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest  # type: ignore[import-untyped]

from sightline_client.addresses import read_addresses
from sightline_client.errors import AccessRefused
from sightline_client.security import PLAINTEXT, KafkaSecurity

CONNECT_S: Final = 3.0
SIGN_IN_S: Final = 10.0
_PAUSE_S: Final = 0.5


class _Refused(ValueError):
    """What the broker answered to a login."""


def sign_in(bootstrap: str, security: KafkaSecurity) -> None:
    """Return when a broker trusts us and we trust it, at once without TLS and login; AccessRefused says why not.

    A refusal is final; while the addresses only do not answer, they are asked again for 10 s.
    """
    if security == PLAINTEXT:
        return
    try:
        tls = security.tls_context()
    except OSError as error:
        raise AccessRefused.login(bootstrap, security.protocol, f"its PEM files cannot be used: {error}") from None
    until = time.monotonic() + SIGN_IN_S
    while (failure := _failure_of(bootstrap, security, tls)) is not None:
        if _is_final(failure) or time.monotonic() + _PAUSE_S > until:
            raise AccessRefused.login(bootstrap, security.protocol, str(failure))
        time.sleep(_PAUSE_S)


def addresses_of(bootstrap: str) -> list[str]:
    """The host:port of each server; raises OSError where the text holds something else."""
    try:
        return read_addresses(bootstrap)
    except ValueError as error:
        raise OSError(f"the address {error}") from None


def connect(address: str) -> socket.socket:
    """A connection to host:port; raises OSError."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S)


def _failure_of(bootstrap: str, security: KafkaSecurity, tls: ssl.SSLContext | None) -> Exception | None:
    """Why no address lets us in, a refusal rather than a silence; None when one does."""
    failures: list[Exception] = []
    for address in addresses_of(bootstrap):
        try:
            _log_in(address, security, tls)
        except (OSError, ValueError, KafkaError) as error:
            failures.append(error)
        else:
            return None
    return max(failures, key=_is_final)


def _is_final(failure: Exception) -> bool:
    """Whether it will be the same however often we ask; a connection that ends may be a broker that starts."""
    return isinstance(failure, ssl.SSLError | ValueError) and not isinstance(failure, ssl.SSLEOFError)


def _log_in(address: str, security: KafkaSecurity, tls: ssl.SSLContext | None) -> None:
    host = address.rpartition(":")[0].strip("[]")
    with closing(_Connection(connect(address), host, tls)) as broker:
        # With TLS 1.3 a broker that does not trust our certificate says so in its first answer.
        broker.ask(ApiVersionsRequest(version=0))
        if not security.sasl:
            return
        broker.ask(SaslHandshakeRequest(mechanism=security.mechanism, version=1))
        mechanism = get_sasl_mechanism(security.mechanism)(
            sasl_mechanism=security.mechanism,
            sasl_plain_username=security.username,
            sasl_plain_password=security.password,
        )
        while not mechanism.is_done():
            answer = broker.ask(SaslAuthenticateRequest(mechanism.auth_bytes(), version=0))
            mechanism.receive(answer.auth_bytes)


class _Connection:
    """One question and its answer at a time."""

    def __init__(self, plain: socket.socket, host: str, tls: ssl.SSLContext | None) -> None:
        self._socket = plain if tls is None else tls.wrap_socket(plain, server_hostname=host)
        self._protocol: Any = KafkaProtocol(client_id="sightline")

    def ask(self, request: Any) -> Any:
        """The broker's answer; raises _Refused where that is an error, OSError when there is none."""
        self._protocol.send_request(request)
        self._socket.sendall(self._protocol.send_bytes())
        answers: list[tuple[int, Any]] = []
        while not answers:
            received = self._socket.recv(1 << 16)
            if not received:
                raise OSError("the broker closed the connection")
            answers = self._protocol.receive_bytes(received)
        answer = answers[0][1]
        if answer.error_code:
            raise _Refused(getattr(answer, "error_message", None) or for_code(answer.error_code).__name__)
        return answer

    def close(self) -> None:
        self._socket.close()
