"""One clear error when no Kafka answers or it refuses us, instead of a long wait."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from kafka.errors import (  # type: ignore[import-untyped]  # ships no types
    AuthorizationError,
    KafkaConnectionError,
    KafkaTimeoutError,
)

from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import AccessRefused, BrokerUnavailable

KNOCK_S: Final = 3.0
SIGN_IN_S: Final = 10.0


@contextmanager
def connecting(bootstrap: str, security: KafkaSecurity = PLAINTEXT) -> Iterator[None]:
    """Say BrokerUnavailable or AccessRefused when the client that is made and used here cannot work."""
    try:
        knock(bootstrap)
        sign_in(bootstrap, security)
        yield
    except AuthorizationError as error:
        raise AccessRefused.forbidden(security.username, error) from None
    except (OSError, KafkaConnectionError, KafkaTimeoutError) as error:
        raise BrokerUnavailable.no_answer(bootstrap, error) from None


def sign_in(bootstrap: str, security: KafkaSecurity) -> None:
    """Return when a broker trusts us and we trust it, at once without TLS and login; AccessRefused says why not.

    librdkafka tells the reason; the other clients only log it, and go on trying.
    """
    if security == PLAINTEXT:
        return
    told: list[KafkaError] = []
    config: dict[str, Any] = {"bootstrap.servers": bootstrap, "error_cb": told.append, "log_level": 0}
    admin = AdminClient(config | security.librdkafka_options())
    until = time.monotonic() + SIGN_IN_S
    while time.monotonic() < until:
        try:
            admin.list_topics(timeout=0.5)
        except KafkaException:
            admin.poll(0)  # calls error_cb
        else:
            return
        for error in told:
            if error.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL):
                raise AccessRefused.login(bootstrap, security.protocol, error.str())
    reason = told[0].str() if told else "it does not answer"
    raise AccessRefused.login(bootstrap, security.protocol, reason)


def knock(bootstrap: str) -> None:
    """Connect to one of the addresses, or raise OSError: kafka-python gives up late, and leaves its sockets open."""
    refusal = OSError(f"{bootstrap!r} is not host:port")
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        if not (host and port.isdigit()):
            continue
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
        except OSError as error:
            refusal = error
        else:
            return
    raise refusal
