import pytest
from msgspec.structs import replace

from cli.user.exports import ExportReader
from features.item import hash_of
from sightline_client.privacy import Export, PlaceInLog
from streams.errors import NotDelivered
from streams.privacy.export_parts import part_key, split
from streams.wire.events import encode
from tests.harness.fakes import MemoryLog
from tests.streams.privacy.test_export_parts import merchant

TOPIC, PARTITIONS = "privacy.exports", 4


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def write(log: MemoryLog, export: Export, user_id: str = "ann") -> None:
    """Each part lies on a partition of its own, as keys have it."""
    log.append(TOPIC, export.part % PARTITIONS, part_key(hash_of(user_id), export.part), encode(export))


def test_an_export_is_put_together_from_parts_among_others(log: MemoryLog) -> None:
    wanted, other = merchant(2500, 60), replace(merchant(2500, 60), request=PlaceInLog(3, 16))
    write(log, wanted)
    reader = ExportReader(log, TOPIC, PARTITIONS)
    for each in (split(other)[2], *reversed(split(wanted)), split(other)[0]):
        write(log, each)
    log.append(TOPIC, 0, hash_of("ann").encode(), None)
    log.append(TOPIC, 0, hash_of("ann").encode(), b"{")
    log.append(TOPIC, 0, None, b"{}")
    assert reader.wait_for("ann", wanted.request, 1.0) == wanted


def test_a_part_that_does_not_come_is_one_line_that_says_what_to_do(log: MemoryLog) -> None:
    wanted = merchant(2500, 60)
    reader = ExportReader(log, TOPIC, PARTITIONS)
    with pytest.raises(NotDelivered, match=r"within 0.05 s no part of the export is there: `sightline dead-letters"):
        reader.wait_for("ann", wanted.request, 0.05)
    for each in split(wanted)[:2]:
        write(log, each)
    with pytest.raises(NotDelivered, match="1 of 3 parts of the export are missing, such as number 3"):
        reader.wait_for("ann", wanted.request, 0.05)
