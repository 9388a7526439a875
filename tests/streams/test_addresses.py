from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline_client.addresses import read_addresses
from streams.addresses import kafka_addresses, redis_url, store_url, triton_address

READERS = (kafka_addresses, redis_url, store_url, triton_address)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("k:9092", ["k:9092"]),
        (" k1:1,\tk2:2 , ", ["k1:1", "k2:2"]),
        ("[2001:db8::1]:9092", ["[2001:db8::1]:9092"]),
        ("my_broker-0.kafka.svc.cluster.local.:65535", ["my_broker-0.kafka.svc.cluster.local.:65535"]),
    ],
)
def test_addresses_are_taken_as_people_write_them(text: str, read: list[str]) -> None:
    assert read_addresses(text) == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no address"),
        (" , ", "has no address"),
        ("k", "needs a port: give host:port, not 'k'"),
        ("k:", "a port from 1 to 65535, not 'k:'"),
        ("k:0", "a port from 1 to 65535"),
        ("k:65536", "a port from 1 to 65535"),
        ("k:９", "a port from 1 to 65535"),
        ("::1:9092", "must be host:port"),
        ("k 1:9092", "must be host:port"),
        ("k1:1;k2:2", "must be host:port"),
        ("k1:1 k2:2", "must be host:port"),
        ("PLAINTEXT://k:1", "give 'k:1', not 'PLAINTEXT://k:1'"),
        ("good:1,bad", "not 'bad'"),
    ],
)
def test_an_address_that_no_client_could_use_is_refused_with_what_to_give(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("(", r"\(")):
        read_addresses(text)


def test_triton_has_one_address() -> None:
    with pytest.raises(ValueError, match="one host:port: a load balancer"):
        triton_address("t1:8001,t2:8001")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("redis://r", "redis://r:6379"),
        ("redis://r:", "redis://r:6379"),
        (" Rediss://R.example:1/ ", "rediss://R.example:1"),
        ("redis://[::1]", "redis://[::1]:6379"),
        ("redis://r:1/0", "redis://r:1/0"),
        ("redis://r:1?cluster=TRUE", "redis://r:1?cluster=true"),
        ("redis://r:1/?cluster=false", "redis://r:1"),
    ],
)
def test_the_address_of_redis_is_taken_as_people_write_it(text: str, read: str) -> None:
    assert redis_url(text) == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("localhost:6379", "must be redis://host:port"),
        ("redis.example", "must be redis://host:port"),
        ("redis:6379", "must be redis://host:port"),
        ("http://r:6379", "must be redis://host:port"),
        ("unix:///run/redis.sock", "must be redis://host:port"),
        ("redis://", "must be redis://host:port"),
        ("redis://[::1", "IPv6"),
        ("redis://r:six", "a port from 1 to 65535"),
        ("redis://r1:1,r2:2", "must be one host:port: a cluster is found by one of its nodes, with ?cluster=true"),
        ("redis://r1:1,r2:2?cluster=true", "must be one host:port: a cluster is found by one of its nodes"),
        ("redis://r:1?cluster=maybe", "cluster=true or ?cluster=false"),
        ("redis://r:1?cluster=", "cluster=true or ?cluster=false"),
        ("redis://r:1?clutser=true", "and nothing else, not 'clutser=true'"),
        ("redis://r:1?cluster=true&cluster=true", "and nothing else"),
        ("redis://r:1?cluster=true&ssl_cert_reqs=none", "and nothing else"),
        ("redis://r:1/shop", "a database's number"),
        ("redis://r:1/2?cluster=true", "a cluster has no further databases"),
        ("redis://r:1#x", "must end after the port"),
    ],
)
def test_an_address_of_redis_that_would_mean_something_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("?", r"\?")):
        redis_url(text)


@pytest.mark.parametrize("text", ["file:///var/pictures", "s3://bucket/a/b", "gs://bucket", "az://container"])
def test_a_place_of_pictures_is_taken(text: str) -> None:
    assert store_url(f" {text} ") == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "bucket", "/var/pictures", "file://var/pictures", "file:pictures", "S3//b", "s3://", "http://h/b"),
        *("s3://key:secret@bucket", "s3://bucket?region=eu"),
    ],
)
def test_what_is_no_place_of_pictures_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        store_url(text)


PIECES = st.sampled_from(
    ["redis://", "rediss://", "s3://", "://", "host", "6379", "cluster=true", *"[]:,@/?#% \0"]
) | st.text(max_size=6)
TYPED = st.lists(PIECES, max_size=8).map("".join)


@given(TYPED)
def test_whatever_is_typed_is_taken_once_and_for_all_or_refused(text: str) -> None:
    for read in READERS:
        with suppress(ValueError):
            found = read(text)
            assert read(found) == found
