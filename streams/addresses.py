"""Reads the addresses in the settings. Each function raises ValueError with what to correct."""

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from sightline_client.addresses import read_addresses

REDIS_PORT: Final = 6379
_SCHEMES: Final = ("file", "s3", "gs", "az")


def kafka_addresses(text: str) -> str:
    """Return the brokers' host:port, separated by commas.

    >>> kafka_addresses("k1:9092, k2:9092,")
    'k1:9092,k2:9092'
    """
    return ",".join(read_addresses(text))


def triton_address(text: str) -> str:
    """Return the host:port of Triton's gRPC."""
    return _one_address(text, "a load balancer may stand before several Tritons")


def redis_url(text: str) -> str:
    """Return redis[s]://host:port, with `/database` or `?cluster=true` where it has one; without a port it is 6379.

    >>> redis_url("redis://r"), redis_url(" REDISS://r:1/?cluster=True "), redis_url("redis://r:1/2?cluster=false")
    ('redis://r:6379', 'rediss://r:1?cluster=true', 'redis://r:1/2')
    """
    url = urlsplit(text.strip())
    if url.scheme not in ("redis", "rediss") or not url.netloc:
        raise ValueError("must be redis://host:port, or rediss://host:port for TLS")
    address = _one_address(
        _with_port(url.netloc, REDIS_PORT), "a cluster is found by one of its nodes, with ?cluster=true after the port"
    )
    database, is_cluster = _database(url.path), _is_cluster(url.query)
    if url.fragment or (is_cluster and database):
        raise ValueError("must end after the port, or with ?cluster=true: a cluster has no further databases")
    return f"{url.scheme}://{address}{database}{'?cluster=true' if is_cluster else ''}"


def store_url(text: str) -> str:
    """Return the URL of an object store.

    >>> store_url(" s3://pictures/new ")
    's3://pictures/new'
    """
    text = text.strip()
    url = urlsplit(text)
    if url.scheme not in _SCHEMES:
        raise ValueError("must be file:///folder, s3://bucket, gs://bucket or az://container")
    if url.scheme == "file" and (url.netloc or not url.path.startswith("/")):
        raise ValueError("must have three slashes and a whole path: file:///folder")
    if url.scheme != "file" and not url.netloc:
        raise ValueError(f"must name its bucket: {url.scheme}://bucket")
    if url.query or url.fragment or url.username is not None:
        raise ValueError("must be a place alone: credentials belong in the variables of the store's SDK")
    return text


def file_place(text: str) -> str:
    """Return the place of a file: a path, or a URL in an object store.

    >>> file_place("models/factors"), file_place(" s3://models/factors ")
    ('models/factors', 's3://models/factors')
    """
    text = text.strip()
    if "://" not in text:
        if not text or text.endswith("/"):
            raise ValueError("must name a file, not a folder")
        return text
    place = urlsplit(store_url(text))
    if place.path in ("", "/") or place.path.endswith("/"):
        raise ValueError(f"must name a file: {place.scheme}://{place.netloc}/models/factors")
    if not {"", ".", ".."}.isdisjoint(place.path[1:].split("/")):
        raise ValueError(f"must have no empty part and no `.` or `..` in its path, as {place.path[:100]!r} has")
    return text


def _one_address(text: str, hint: str) -> str:
    addresses = read_addresses(text)
    if len(addresses) > 1:
        raise ValueError(f"must be one host:port: {hint}")
    return addresses[0]


def _with_port(place: str, port: int) -> str:
    if place.endswith(":"):
        return f"{place}{port}"
    return place if ":" in place and not place.endswith("]") else f"{place}:{port}"


def _database(path: str) -> str:
    if path in ("", "/"):
        return ""
    if re.fullmatch(r"/[0-9]{1,4}", path) is None:
        raise ValueError(f"must end after the port, or with a database's number such as /0, not with {path[:100]!r}")
    return path


def _is_cluster(query: str) -> bool:
    given = parse_qsl(query, keep_blank_values=True)
    if [name for name, _ in given] not in ([], ["cluster"]):
        raise ValueError(f"takes ?cluster=true and nothing else, not {query[:100]!r}")
    values = [value.lower() for _, value in given]
    if values and values[0] not in ("true", "false"):
        raise ValueError(f"takes ?cluster=true or ?cluster=false, not {query[:100]!r}")
    return values == ["true"]
