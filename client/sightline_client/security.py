"""How a Kafka client proves who it is, and how it knows that the broker is who it says."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSecurity:
    """A Kafka client's identity and trust; as it stands, no TLS and no password.

    `ca_file` (PEM) is whom to trust, the system's authorities where it is None; `cert_file` and `key_file` (PEM, the
    key without a passphrase) are for brokers that ask for a client's certificate.
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
        """Whether a name and a password are sent."""
        return self.protocol.startswith("SASL_")

    def tls_context(self) -> ssl.SSLContext | None:
        """The context in which a broker's certificate and host name are verified; None without TLS."""
        if not self.protocol.endswith("SSL"):
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context

    def python_options(self) -> dict[str, Any]:
        """What a client of kafka-python or aiokafka takes: the two have the same names for it."""
        if self.protocol == "PLAINTEXT":
            return {}
        options: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": self.tls_context()}
        if self.sasl:
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"], options["sasl_plain_password"] = self.username, self.password
        return options

    def librdkafka_options(self) -> dict[str, str]:
        """What a client of confluent-kafka takes."""
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
