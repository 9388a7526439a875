import pytest

from benchmarks.harness.own_stack import own_stack
from streams.settings import Settings
from tests.harness.paths import ROOT


@pytest.mark.stack
def test_services_of_a_benchmark_leave_nothing_behind_when_it_fails() -> None:
    settings = Settings(tools=ROOT / ".sightline" / "tools", kafka=None, redis=None, triton=None)
    homes = []

    def fail() -> None:
        with own_stack(settings, lambda _: None) as (own, _):
            homes.append(own.home)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not homes[0].exists()
