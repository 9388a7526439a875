"""One clear error when no Kafka answers, instead of a long wait."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kafka.errors import KafkaConnectionError, KafkaTimeoutError  # type: ignore[import-untyped]  # ships no types

from streams.errors import BrokerUnavailable

KNOCK_S: Final = 3.0


@contextmanager
def connecting(bootstrap: str) -> Iterator[None]:
    """Say BrokerUnavailable when no Kafka answers the client that is made and used here."""
    try:
        _knock(bootstrap)
        yield
    except (OSError, KafkaConnectionError, KafkaTimeoutError) as error:
        raise BrokerUnavailable.no_answer(bootstrap, error) from None


def _knock(bootstrap: str) -> None:
    """Connect to one of the addresses: kafka-python takes 10 s to give up, and leaves its sockets open."""
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
