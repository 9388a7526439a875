"""Logins and TLS for Kafka, Redis and Triton."""

from pydantic import SecretStr

from inference.encoders.tls import TritonTls
from sightline_client.security import PLAINTEXT, KafkaSecurity
from state.redis_login import RedisAccess
from streams.settings import Settings

__all__ = ["PLAINTEXT", "KafkaSecurity", "kafka_security", "redis_access", "triton_tls"]


def kafka_security(settings: Settings) -> KafkaSecurity:
    """Return Kafka's login and TLS from the settings."""
    return KafkaSecurity(
        protocol=settings.kafka_protocol,
        ca_file=settings.kafka_ca,
        cert_file=settings.kafka_cert,
        key_file=settings.kafka_key,
        mechanism=settings.kafka_mechanism,
        username=settings.kafka_username,
        password=_reveal(settings.kafka_password),
    )


def redis_access(settings: Settings) -> RedisAccess:
    """Return Redis's login and TLS from the settings."""
    return RedisAccess(
        username=settings.redis_username,
        password=_reveal(settings.redis_password),
        ca_file=settings.redis_ca,
        cert_file=settings.redis_cert,
        key_file=settings.redis_key,
    )


def triton_tls(settings: Settings) -> TritonTls | None:
    """Return Triton's TLS from the settings; None without TLS."""
    if settings.triton_ca is None:
        return None
    return TritonTls(settings.triton_ca, cert_file=settings.triton_cert, key_file=settings.triton_key)


def _reveal(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
