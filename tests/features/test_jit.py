import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from features.jit import compiled, dot, widen


def test_declaring_a_function_leaves_the_settings_of_numba_unchanged() -> None:
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]

    compiled(lambda value: value + 1)

    assert before == numba.config.CACHE_DIR  # type: ignore[attr-defined]


def test_an_inner_product_is_numpys() -> None:
    random = np.random.default_rng(0)
    one, other = random.standard_normal((2, 256)).astype(np.float32)

    assert dot(one, other) == pytest.approx(float(one @ other), rel=1e-5)


def test_every_float16_keeps_its_value() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16)
    wide = np.empty(len(halves), np.float32)

    widen(halves, wide)

    assert np.array_equal(wide, halves.view(np.float16).astype(np.float32), equal_nan=True)


def test_a_function_without_a_source_file_is_compiled_without_a_cache() -> None:
    names: dict[str, object] = {"compiled": compiled}
    exec("made = compiled(lambda value: value + 1)", names)

    assert names["made"](1) == 2  # type: ignore[operator]


def test_a_change_of_a_constant_in_another_file_gives_new_machine_code(tmp_path: Path) -> None:
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

    # The files have equal sizes and times, as in wheels.
    assert [printed(tmp_path, limit) for limit in (5, 5, 7)] == ["5 0", "5 1", "7 0"]


def test_a_change_in_any_folder_of_the_package_gives_new_machine_code(tmp_path: Path) -> None:
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

    found = [printed(tmp_path, limit, limits="house/limits.py", script="main.py") for limit in (5, 5, 7)]

    assert found == ["5 0", "5 1", "7 0"]


def printed(package: Path, limit: int, *, limits: str = "limits.py", script: str = "loops.py") -> str:
    (package / limits).write_text(f"LIMIT = {limit}")
    os.utime(package / limits, (0, 0))
    command = [sys.executable, "-B", str(package / script)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(package / "kept")}
    return subprocess.run(command, capture_output=True, check=True, text=True, env=environment).stdout.strip()
