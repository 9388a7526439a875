"""One clear error when no Kafka answers or it refuses us, instead of a long wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kafka.errors import (  # type: ignore[import-untyped]  # ships no types
    AuthorizationError,
    KafkaConnectionError,
    KafkaTimeoutError,
)

from sightline_client.errors import AccessRefused, BrokerUnavailable
from sightline_client.login import addresses_of, connect, sign_in
from sightline_client.security import PLAINTEXT, KafkaSecurity

CONNECT_MS: Final = 10_000


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


def knock(bootstrap: str) -> None:
    """Connect to one of the addresses: kafka-python takes 10 s to give up, and leaves its sockets open."""
    refusal: OSError | None = None
    for address in addresses_of(bootstrap):
        try:
            connect(address).close()
        except OSError as error:
            refusal = error
        else:
            return
    if refusal is not None:
        raise refusal
