from benchmarks.measures.index import measure_index


def test_a_small_index_finds_nearly_everything() -> None:
    found = measure_index(2000, 32, adding_s=1)
    assert found.recall_at_50 > 0.95
    assert 0 < found.p50_ms <= found.p99_ms
    assert found.adds_per_s > 0


def test_half_copies_and_most_expired_are_measured_among_what_can_be_shown() -> None:
    copies, expired = (
        measure_index(4000, 32, copies=0.5, adding_s=0.1),
        measure_index(4000, 32, expired=0.99, adding_s=0.1),
    )

    assert (copies.pictures, copies.copies, copies.expired) == (2000, 0.5, 0.0)
    assert (expired.pictures, expired.copies, expired.expired) == (40, 0.0, 0.99)
    assert copies.recall_at_50 > 0.95
    assert expired.recall_at_50 == 1.0
