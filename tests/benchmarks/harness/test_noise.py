import time

from benchmarks.harness.noise import NoiseWatch


def test_a_watch_gives_shares_and_a_spread() -> None:
    with NoiseWatch() as watch:
        time.sleep(0.5)
    noise = watch.found()

    assert 0 <= noise.steal_percent <= 100
    assert 0 <= noise.others_percent <= 100
    assert noise.spin_spread >= 1
