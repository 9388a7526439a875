"""Logins and TLS for Kafka, Redis and Triton."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import SecretStr

from inference.encoders.tls import TritonTls
from state.redis_login import RedisAccess
from streams.settings import Settings

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSecurity:
    """Login and TLS of a Kafka client. The default has neither.

    `ca_file` (PEM) has the authorities to trust; None means those of the system. `cert_file` and `key_file` (PEM, the
    key without a passphrase) are for brokers that ask for a client certificate.
    """

    protocol: Protocol = "PLAINTEXT"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def sasl(self) -> bool:
        """Whether a user name and a password are sent."""
        return self.protocol.startswith("SASL_")

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the context that verifies the broker's certificate and host name; None without TLS."""
        if not self.protocol.endswith("SSL"):
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context

    def python_options(self) -> dict[str, Any]:
        """Return the options of a kafka-python or aiokafka client; the two use the same names."""
        if self.protocol == "PLAINTEXT":
            return {}
        options: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": self.tls_context()}
        if self.sasl:
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"], options["sasl_plain_password"] = self.username, self.password
        return options

    def librdkafka_options(self) -> dict[str, str]:
        """Return the options of a confluent-kafka client."""
        if self.protocol == "PLAINTEXT":
            return {}
        options: dict[str, str | Path | None] = {
            "security.protocol": self.protocol,
            "ssl.ca.location": self.ca_file,
            "ssl.certificate.location": self.cert_file,
            "ssl.key.location": self.key_file,
        }
        if self.sasl:
            options |= {"sasl.mechanism": self.mechanism}
            options |= {"sasl.username": self.username, "sasl.password": self.password}
        return {name: str(value) for name, value in options.items() if value is not None}


PLAINTEXT: Final = KafkaSecurity()


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
