import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from features.jit import compiled, dot, widen


def test_an_inner_product_is_numpys() -> None:
    random = np.random.default_rng(0)
    one, other = random.standard_normal((2, 256)).astype(np.float32)

    assert dot(one, other) == pytest.approx(float(one @ other), rel=1e-5)


def test_every_float16_keeps_its_value() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16)
    wide = np.empty(len(halves), np.float32)

    widen(halves, wide)

    assert np.array_equal(wide, halves.view(np.float16).astype(np.float32), equal_nan=True)


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same() -> None:
    # A function that comes from no file has no place for its cache.
    names: dict[str, object] = {"compiled": compiled}
    exec("made = compiled(lambda value: value + 1)", names)

    assert names["made"](1) == 2  # type: ignore[operator]


def test_what_was_kept_is_of_the_sources_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "loops.py").write_text(
        """
from features.jit import compiled
from limits import LIMIT

@compiled
def limited(value):
    return min(value, LIMIT)

print(limited(9), sum(limited.stats.cache_hits.values()))
"""
    )

    # Of one size and of one time, as in wheels.
    assert [said(tmp_path, limit) for limit in (5, 5, 7)] == ["5 0", "5 1", "7 0"]


def test_what_was_kept_is_of_the_sources_in_every_folder_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "house" / "room").mkdir(parents=True)
    (tmp_path / "house" / "room" / "loops.py").write_text(
        """
from features.jit import compiled
from house.limits import LIMIT

@compiled
def limited(value):
    return min(value, LIMIT)
"""
    )
    (tmp_path / "main.py").write_text(
        "from house.room.loops import limited\nprint(limited(9), sum(limited.stats.cache_hits.values()))"
    )

    found = [said(tmp_path, limit, limits="house/limits.py", script="main.py") for limit in (5, 5, 7)]

    assert found == ["5 0", "5 1", "7 0"]


def said(package: Path, limit: int, *, limits: str = "limits.py", script: str = "loops.py") -> str:
    (package / limits).write_text(f"LIMIT = {limit}")
    os.utime(package / limits, (0, 0))
    command = [sys.executable, "-B", str(package / script)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(package / "kept")}
    return subprocess.run(command, capture_output=True, check=True, text=True, env=environment).stdout.strip()
