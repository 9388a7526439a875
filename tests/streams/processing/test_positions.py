"""Which records continue the state. Offsets are given as (offset, after)."""

from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from streams.processing.positions import REWIND_AGAIN_S, Positions
from streams.wire.records import Record


class Rewinds(list[tuple[int, int]]):
    """What was asked of the transport, and the time."""

    now_s = 100.0

    async def __call__(self, partition: int, position: int) -> None:
        self.append((partition, position))

    def clock_s(self) -> float:
        return self.now_s


@pytest.fixture
def rewinds() -> Rewinds:
    return Rewinds()


@pytest.fixture
def positions(rewinds: Rewinds) -> Positions:
    return Positions(rewinds, clock_s=rewinds.clock_s)


def records(*places: tuple[int, int | None]) -> list[Record]:
    return [Record("events.interactions", 0, offset, 0, None, None, after=after) for offset, after in places]


def offsets(admitted: dict[int, list[Record]]) -> dict[int, list[int]]:
    return {partition: [record.offset for record in found] for partition, found in admitted.items()}


async def admit(positions: Positions, held: int, *places: tuple[int, int | None]) -> list[int]:
    """The offsets of partition 0 that are admitted to a state at `held`."""
    positions.loaded({0: held})
    return offsets(await positions.admit({0: records(*places)}, {0: held})).get(0, [])


def counted(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric, labels) or 0.0


async def test_records_that_follow_the_state_are_admitted(positions: Positions, rewinds: Rewinds) -> None:
    assert await admit(positions, 5, (6, 5), (7, 6), (9, 7)) == [6, 7, 9]
    assert rewinds == []


async def test_the_first_record_of_a_partition_follows_the_start(positions: Positions, rewinds: Rewinds) -> None:
    assert await admit(positions, -1, (0, -1), (1, 0)) == [0, 1]


async def test_a_log_whose_head_was_cut_off_is_taken_up_where_it_begins(positions: Positions) -> None:
    assert await admit(positions, -1, (70, -1), (71, 70)) == [70, 71]


async def test_what_was_applied_before_is_left_out(positions: Positions, rewinds: Rewinds) -> None:
    before = counted("sightline_duplicates_total", kind="redelivery")

    assert await admit(positions, 6, (5, 4), (6, 5), (7, 6)) == [7]
    assert rewinds == []
    assert counted("sightline_duplicates_total", kind="redelivery") == before + 2


async def test_a_partition_with_nothing_new_is_left_out(positions: Positions) -> None:
    assert await positions.admit({0: records((5, 4)), 1: records((0, -1))}, {0: 5, 1: -1}) == {1: records((0, -1))}


async def test_a_gap_is_fetched_again(positions: Positions, rewinds: Rewinds) -> None:
    assert await admit(positions, 5, (8, 7), (9, 8)) == []
    assert rewinds == [(0, 5)]


async def test_what_comes_before_a_gap_is_admitted_and_the_rest_fetched_again(
    positions: Positions, rewinds: Rewinds
) -> None:
    assert await admit(positions, 5, (6, 5), (9, 8), (10, 9)) == [6]
    assert rewinds == [(0, 6)]


async def test_a_record_of_unknown_place_is_fetched_again(positions: Positions, rewinds: Rewinds) -> None:
    assert await admit(positions, 5, (7, None)) == []
    assert rewinds == [(0, 5)]


async def test_the_next_offset_needs_no_place(positions: Positions, rewinds: Rewinds) -> None:
    assert await admit(positions, 5, (6, None), (7, None), (9, None)) == [6, 7]
    assert rewinds == [(0, 7)]


async def test_a_record_of_unknown_place_that_was_applied_is_a_duplicate(
    positions: Positions, rewinds: Rewinds
) -> None:
    assert await admit(positions, 5, (5, None)) == []
    assert rewinds == []


async def test_stale_records_before_their_replay_in_one_batch_are_no_gap(
    positions: Positions, rewinds: Rewinds
) -> None:
    assert await admit(positions, 5, (8, 7), (6, 5), (7, 6), (8, 7), (9, 8)) == [6, 7, 8, 9]
    assert rewinds == []


async def test_a_replay_that_does_not_reach_the_stale_records_is_a_gap(positions: Positions, rewinds: Rewinds) -> None:
    assert await admit(positions, 5, (8, 7), (6, 5)) == [6]
    assert rewinds == [(0, 6)]


async def test_one_rewind_answers_many_stale_batches(positions: Positions, rewinds: Rewinds) -> None:
    for offset in (8, 9, 10):
        await admit(positions, 5, (offset, offset - 1))

    assert rewinds == [(0, 5)]


async def test_a_rewind_that_brought_nothing_is_asked_for_again(positions: Positions, rewinds: Rewinds) -> None:
    await admit(positions, 5, (8, 7))
    rewinds.now_s += REWIND_AGAIN_S
    await admit(positions, 5, (9, 8))
    assert rewinds == [(0, 5)]

    rewinds.now_s += 0.1
    await admit(positions, 5, (10, 9))
    assert rewinds == [(0, 5), (0, 5)]


async def test_after_a_rewind_was_answered_the_next_is_not_held_back(positions: Positions, rewinds: Rewinds) -> None:
    await admit(positions, 5, (8, 7))
    await admit(positions, 5, (6, 5), (7, 6), (8, 7))
    positions.committed({0: 8})

    # The store lost that commit again.
    await admit(positions, 5, (9, 8))

    assert rewinds == [(0, 5), (0, 5)]


async def test_each_partition_is_fetched_again_for_itself(positions: Positions, rewinds: Rewinds) -> None:
    batch: dict[int, Sequence[Record]] = {0: records((8, 7)), 1: records((3, 2)), 2: records((9, None))}
    admitted = await positions.admit(batch, {0: 5, 1: 2, 2: 5})

    assert offsets(admitted) == {1: [3]}
    assert rewinds == [(0, 5), (2, 5)]


async def test_a_store_that_went_back_is_counted_and_replayed(positions: Positions, rewinds: Rewinds) -> None:
    rolled_back = counted("sightline_rollbacks_total")
    assert await admit(positions, 5, (6, 5)) == [6]
    positions.committed({0: 6})

    assert await admit(positions, 3, (7, 6)) == []

    assert rewinds == [(0, 3)]
    assert counted("sightline_rollbacks_total") == rolled_back + 1


async def test_a_store_that_another_worker_moved_on_is_no_rollback(positions: Positions, rewinds: Rewinds) -> None:
    rolled_back = counted("sightline_rollbacks_total")
    await admit(positions, 5, (6, 5))

    assert await admit(positions, 8, (9, 8)) == [9]
    assert counted("sightline_rollbacks_total") == rolled_back


async def test_a_refused_commit_takes_up_from_where_the_store_is(positions: Positions, rewinds: Rewinds) -> None:
    conflicts = counted("sightline_position_conflicts_total")
    await admit(positions, 5, (6, 5))
    await positions.refused({0: 9})

    assert rewinds == [(0, 9)]
    assert counted("sightline_position_conflicts_total") == conflicts + 1
    assert await admit(positions, 9, (10, 9)) == [10]


async def test_a_commit_refused_by_a_store_that_went_back_is_a_rollback(positions: Positions, rewinds: Rewinds) -> None:
    conflicts, rolled_back = (counted(f"sightline_{name}_total") for name in ("position_conflicts", "rollbacks"))
    await admit(positions, 5, (6, 5))
    await positions.refused({0: 2})

    assert rewinds == [(0, 2)]
    assert counted("sightline_rollbacks_total") == rolled_back + 1
    assert counted("sightline_position_conflicts_total") == conflicts


async def test_a_refused_commit_is_taken_up_though_the_partition_was_just_fetched_again(
    positions: Positions, rewinds: Rewinds
) -> None:
    assert await admit(positions, 5, (8, 7)) == []
    assert await admit(positions, 5, (6, 5), (7, 6)) == [6, 7]

    await positions.refused({0: 5})

    assert rewinds == [(0, 5), (0, 5)]


async def test_nothing_refused_asks_for_nothing(positions: Positions, rewinds: Rewinds) -> None:
    await positions.refused({})

    assert rewinds == []


async def test_what_the_store_was_found_to_hold_and_what_was_written_is_known(positions: Positions) -> None:
    positions.loaded({0: 4, 1: 7})
    positions.committed({0: 9})
    assert positions.known == {0: 9, 1: 7}
