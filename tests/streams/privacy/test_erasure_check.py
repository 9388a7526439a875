import pytest

from streams.privacy.erasure_check import find_records, holder_of
from streams.wire.namespace import Namespace
from tests.harness.fakes import MemoryLog

LISTS, CATALOG, EXPORTS = "recommendations", "state.catalog", "privacy.exports"


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def found(log: MemoryLog, user: str = "ann") -> list[str]:
    return find_records(log, Namespace(), 2, holder_of(user))


@pytest.mark.parametrize("topic", [LISTS, CATALOG, EXPORTS])
def test_an_id_in_the_last_value_of_a_key_is_found(log: MemoryLog, topic: str) -> None:
    log.append(topic, 1, b"k", b'{"owner":"ann"}')
    assert found(log) == [f"{topic}[1] offset 0"]


def test_an_id_in_the_key_of_a_value_is_found(log: MemoryLog) -> None:
    log.append(LISTS, 0, b"ann", b"{}")
    assert found(log) == [f"{LISTS}[0] offset 0"]


def test_what_a_later_value_replaced_is_no_trace(log: MemoryLog) -> None:
    log.append(CATALOG, 0, b"i1", b'{"owner":"ann"}')
    log.append(CATALOG, 0, b"i1", b'{"owner":null}')
    assert found(log) == []


def test_a_key_without_a_value_is_no_trace(log: MemoryLog) -> None:
    log.append(LISTS, 0, b"ann", b'{"user_id":"ann"}')
    log.append(LISTS, 0, b"ann", None)
    assert found(log) == []


@pytest.mark.parametrize("data", [b"joann", b"anne", b"ann1", b""])
def test_a_part_of_a_longer_word_is_no_trace(data: bytes) -> None:
    assert not holder_of("ann")(data)


@pytest.mark.parametrize("data", [b"ann", b'"ann"', b"{3}:profile:ann", b"ann-red-0", "ünser ann!".encode()])
def test_a_word_of_its_own_is_a_trace(data: bytes) -> None:
    assert holder_of("ann")(data)


def test_a_short_id_among_packed_numbers_is_chance_and_a_long_one_is_not() -> None:
    assert not holder_of("ann")(b"\x00ann\xff")
    assert holder_of("ann@example.org")(b"\x00ann@example.org\xff")


def test_an_id_of_any_characters_is_looked_for_as_it_is() -> None:
    assert holder_of("a.n*n(")(b'{"user_id":"a.n*n("}')
    assert not holder_of("a.n")(b'"axn"')
