from benchmarks.measures.index import measure_index


def test_a_small_index_finds_nearly_everything() -> None:
    found = measure_index(2000, 32, adding_s=1)
    assert found.recall_at_50 > 0.95
    assert 0 < found.p50_ms <= found.p99_ms
    assert found.adds_per_s > 0
