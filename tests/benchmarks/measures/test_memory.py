import pytest

from benchmarks.measures.memory import measure_memory
from streams.settings import Settings


@pytest.mark.stack
def test_a_user_in_redis_takes_more_than_the_profile_and_less_than_ten_times_that(settings: Settings) -> None:
    found = measure_memory(settings, users=1000, items=4000)
    assert 500 < found.redis_bytes_per_user < 5000
    assert found.worker_bytes_per_item > 512
