import subprocess
import sys

import numpy as np
import pytest

from benchmarks.harness.families import children, cpu_s, family_cpu_s
from benchmarks.measures.encoder import steady_rate

WORK = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint('worked', flush=True)\nsys.stdin.read()"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WORK!r}], check=False)"


def test_the_rate_is_that_between_the_first_and_the_last_tenth() -> None:
    delays_ms = np.concatenate([[900.0], 1000 + 10 * np.arange(99), [5000.0]])
    assert steady_rate(delays_ms) == pytest.approx(100)


def test_what_never_was_answered_has_no_part_in_the_rate() -> None:
    delays_ms = np.concatenate([10.0 * np.arange(100), [np.nan] * 20])
    assert steady_rate(delays_ms) == pytest.approx(100)


def test_the_time_of_a_process_is_its_own_and_that_of_its_family_has_its_childrens() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (child,) = children(parent.pid)
        assert cpu_s(child) >= 0.2
        assert family_cpu_s(parent.pid) >= 0.2 + cpu_s(parent.pid)
        parent.communicate()


def test_a_process_that_is_gone_has_taken_no_time() -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    assert (cpu_s(gone.pid), children(gone.pid)) == (0, [])
