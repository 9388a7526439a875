"""Checks between the settings of one service. Each raises ValueError with what to do."""

import re
import ssl
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from features.vision.descriptors.mix import LOOK, Mix

_SHOWN = 100
_KEY_LENGTH = 16
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_LOGIN_IN_URL = re.compile(r"(rediss?://)([^:@]*):?(.*)@([^@]*)", re.IGNORECASE)


def split_login(values: dict[str, Any]) -> dict[str, Any]:
    """Move user name and password out of Redis's URL, so that showing the address shows neither.

    >>> split_login({"redis": "rediss://ann:s3c%2Fret@host:6379"})
    {'redis': 'rediss://host:6379', 'redis_username': 'ann', 'redis_password': 's3c/ret'}
    """
    found = _LOGIN_IN_URL.fullmatch(str(values.get("redis")).strip())
    if found is None or values.get("redis_username") or values.get("redis_password"):
        return values
    scheme, username, password, address = found.groups()
    login = {"redis_username": unquote(username) or None, "redis_password": unquote(password) or None}
    return {**values, "redis": scheme + address, **login}


def redact(text: str) -> str:
    """Return the text without anything before an `@` that could be a password.

    >>> redact("rediss://ann:s3c@ret@host:6379")
    'rediss://***@host:6379'
    """
    return re.sub(r"^\s*([A-Za-z]+://)?.*@", r"\1***@", text, flags=re.DOTALL)


def shorten(text: str) -> str:
    """Return the first 100 characters of a text, with dots if there are more."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def check_login(name: str, value: str) -> None:
    """Check that the address of a service contains no user name and no password."""
    if "@" in value:
        if name == "redis":
            raise ValueError("contains a login, and SIGHTLINE_REDIS_USERNAME or _PASSWORD is set too: keep one of them")
        if name == "kafka":
            raise ValueError("must be host:port only; a login belongs in SIGHTLINE_KAFKA_USERNAME and _PASSWORD")
        raise ValueError("must be host:port only: Triton has no login, but certificates")


def check_protocol(value: str, others: Mapping[str, Any]) -> None:
    """Check that the local Kafka, which only speaks PLAINTEXT, is not asked for another protocol."""
    if value != "PLAINTEXT" and "kafka" in others and others["kafka"] is None:
        raise ValueError("needs SIGHTLINE_KAFKA, the address of a Kafka that supports it; the local one does not")


def check_mechanism(value: str, others: Mapping[str, Any]) -> None:
    """Check that a password is sent in clear only inside TLS."""
    if value == "PLAIN" and others.get("kafka_protocol") == "SASL_PLAINTEXT":
        raise ValueError("sends the password in clear: set SIGHTLINE_KAFKA_PROTOCOL=SASL_SSL, or use SCRAM-SHA-512")


def check_kafka_login(value: str | SecretStr | None, others: Mapping[str, Any]) -> None:
    """Check that user name and password are set exactly when the protocol sends them."""
    protocol = others.get("kafka_protocol")
    if protocol is None:
        return
    if value is None and protocol.startswith("SASL_"):
        raise ValueError(f"is needed because SIGHTLINE_KAFKA_PROTOCOL is {protocol}")
    if value is not None and not protocol.startswith("SASL_"):
        raise ValueError(f"is never sent with SIGHTLINE_KAFKA_PROTOCOL={protocol}: set SASL_SSL")


def check_redis_login(value: SecretStr | None, others: Mapping[str, Any]) -> None:
    """Check that a user name has a password, and that a password has a Redis that asks for it."""
    username = others.get("redis_username")
    if username is not None and value is None:
        raise ValueError("is needed with SIGHTLINE_REDIS_USERNAME")
    if value is not None and "redis" in others and others["redis"] is None:
        raise ValueError(
            "needs SIGHTLINE_REDIS, the address of a Redis that asks for a password; the local one does not"
        )


def check_file(value: Any) -> None:
    """Check that the system can look for a file of this name."""
    try:
        Path(value or "").is_file()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def check_authorities(service: str, value: Path | None, others: Mapping[str, Any]) -> None:
    """Check that the authorities can be read, and that the service uses TLS."""
    if value is None:
        return
    _check_use(service, others)
    try:
        ssl.create_default_context(cafile=value)
    except OSError:
        raise ValueError("contains no certificate in PEM") from None


def check_key(service: str, value: Path | None, others: Mapping[str, Any]) -> None:
    """Check that certificate and key belong together or are both unset, and that the service uses TLS."""
    if f"{service}_cert" not in others:
        return
    certificate, other = others[f"{service}_cert"], f"SIGHTLINE_{service.upper()}_CERT"
    if (certificate is None) != (value is None):
        raise ValueError(f"is needed with {other}" if value is None else f"is of no use without {other}")
    if certificate is None or value is None:
        return
    _check_use(service, others)
    try:
        # An empty passphrase: without it OpenSSL asks on the terminal.
        ssl.create_default_context().load_cert_chain(certificate, value, password="")
    except OSError:
        raise ValueError(f"is not the key of {other}, in PEM without a passphrase") from None


def check_feed_by(value: str) -> None:
    """Check that lists compare pictures by their look, with or without descriptors."""
    if "look" not in Mix.parse(value).weights:
        raise ValueError("must give `look` a weight: look=0.8,colour=0.2")


def check_index(value: str, others: Mapping[str, Any]) -> None:
    """Check that a shared index, which has the network's vectors, is not to compare by anything else."""
    if value == "redis" and "feed_by" in others and Mix.parse(others["feed_by"]) != LOOK:
        raise ValueError("has only the look of pictures: set SIGHTLINE_FEED_BY=look, or SIGHTLINE_INDEX=memory")


def check_sequence(value: str | None, others: Mapping[str, Any]) -> None:
    """Check that a sequence model, which learned from the network's vectors, does not get vectors of a mix."""
    if value is not None and "feed_by" in others and Mix.parse(others["feed_by"]) != LOOK:
        raise ValueError("knows pictures by their look alone: set SIGHTLINE_FEED_BY=look, or leave it empty")


def check_keys(value: SecretStr | None) -> None:
    """Check that each of the keys that are separated by commas is long enough, and that there is one."""
    keys = [] if value is None else [key.strip() for key in value.get_secret_value().split(",") if key.strip()]
    if value is not None and (not keys or min(map(len, keys)) < _KEY_LENGTH):
        raise ValueError(f"must have at least {_KEY_LENGTH} characters; so must each further key after a comma")


#: What an action teaches the ranker: the weights of `features.profile`. A `view` counts a minute's look at the page of
#: the item (an impression teaches nothing by itself), a `rate` each point above or below 3.
LESSON_WEIGHTS = "view=1,click=1,like=2,save=2,share=2.5,cart=2.5,purchase=3,comment=1,rate=1,dislike=-2,hide=-3"
_REFUSALS = ("dislike", "hide")
_LESSON_LIMIT = 8.0


def parse_lesson_weights(text: str) -> dict[str, float]:
    """Return the weight of each action, of which the text names some or none; the others have LESSON_WEIGHTS.

    >>> parse_lesson_weights("click=0.5, hide=-1")["hide"], parse_lesson_weights("")["like"]
    (-1.0, 2.0)
    """
    known = {name: float(weight) for name, _, weight in (each.partition("=") for each in LESSON_WEIGHTS.split(","))}
    found: dict[str, float] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, weight = map(str.strip, part.partition("="))
        if name not in known or name in found:
            raise ValueError(f"{shorten(part)!r} does not name one of {', '.join(known)}, each once at most")
        low, high = (-_LESSON_LIMIT, 0.0) if name in _REFUSALS else (0.0, _LESSON_LIMIT)
        if not (_NUMBER.fullmatch(weight) and low <= float(weight) <= high):
            raise ValueError(
                f"{shorten(part)!r} has no weight between {low:g} and {high:g}: write {name}={known[name]:g}"
            )
        found[name] = float(weight)
    return known | found


def _check_use(service: str, others: Mapping[str, Any]) -> None:
    how = {
        "kafka": (others.get("kafka_protocol", "SSL").endswith("SSL"), "with SIGHTLINE_KAFKA_PROTOCOL=SSL or SASL_SSL"),
        "redis": ((others.get("redis") or "").startswith("rediss:"), "with SIGHTLINE_REDIS=rediss://host:port"),
        "triton": (others.get("triton") is not None, "with SIGHTLINE_TRITON, the address of a Triton that speaks TLS"),
    }
    used, only = how[service]
    if not used:
        raise ValueError(f"is used only {only}")


#: What Kubernetes and Docker set in a container for services with names such as sightline-redis.
_SERVICE_LINK = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?|NAME|ENV_.+)")


def misspelt(variables: Iterable[str], known: Sequence[str]) -> dict[str, str]:
    """Return the setting that each variable probably means, of those that are none. All names lack the SIGHTLINE_.

    >>> misspelt(["REDIS_URL", "TOPIC_PREFFIX", "REDIS", "OTHER"], ["REDIS", "TOPIC_PREFIX"])
    {'REDIS_URL': 'REDIS', 'TOPIC_PREFFIX': 'TOPIC_PREFIX'}
    """
    found = {}
    for name in variables:
        if name in known or _SERVICE_LINK.fullmatch(name):
            continue
        longest = sorted((each for each in known if name.startswith(f"{each}_")), key=len)[-1:]
        if close := get_close_matches(name, known, 1, 0.8) or longest:
            found[name] = close[0]
    return found
