import pytest

from benchmarks.measures.shared_index import measure_shared_index


@pytest.mark.stack
def test_the_shared_index_is_measured_on_a_redis_of_its_own() -> None:
    found = measure_shared_index(1_000, 16, 2, adding_s=0.5)

    assert found.shards == 2
    assert found.recall_at_50 > 0.8
    assert 100 < found.bytes_per_item < 5_000
    assert min(found.p50_ms, found.p99_adding_ms, found.adds_per_s, found.cpu_ms_per_search) > 0
