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


LIMITED = """
from features.jit import compiled
from {limits} import LIMIT

@compiled
def limited(value):
    return min(value, LIMIT)
"""
MAIN = """
from house.room import loops

for each in (limited, loops.limited):
    print(each(9), sum(each.stats.cache_hits.values()))
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """What a script and a package give with the limits 5, 5 and 7, and how often from the cache."""
    home = tmp_path_factory.mktemp("loops")
    (home / "house" / "room").mkdir(parents=True)
    (home / "house" / "room" / "loops.py").write_text(LIMITED.format(limits="house.limits"))
    (home / "main.py").write_text(LIMITED.format(limits="limits") + MAIN)
    return [run(home, limit) for limit in (5, 5, 7)]


def run(home: Path, limit: int) -> tuple[str, str]:
    for limits in (home / "limits.py", home / "house" / "limits.py"):
        limits.write_text(f"LIMIT = {limit}")
        # The files have equal sizes and times, as in wheels.
        os.utime(limits, (0, 0))
    command = [sys.executable, "-B", str(home / "main.py")]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(home / "kept")}
    ended = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
    script, package = ended.stdout.splitlines()
    return script, package


def test_a_change_of_a_constant_in_another_file_gives_new_machine_code(printed: list[tuple[str, str]]) -> None:
    assert [script for script, _ in printed] == ["5 0", "5 1", "7 0"]


def test_a_change_in_any_folder_of_the_package_gives_new_machine_code(printed: list[tuple[str, str]]) -> None:
    assert [package for _, package in printed] == ["5 0", "5 1", "7 0"]
