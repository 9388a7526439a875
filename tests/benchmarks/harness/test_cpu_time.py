import subprocess
import sys

from benchmarks.harness.cpu_time import children, cpu_s, family_cpu_s

WORK = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint('worked', flush=True)\nsys.stdin.read()"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WORK!r}], check=False)"


def test_the_time_of_a_family_includes_that_of_the_children() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (child,) = children(parent.pid)
        assert cpu_s(child) >= 0.2
        assert family_cpu_s(parent.pid) >= 0.2 + cpu_s(parent.pid)
        parent.communicate()


def test_an_ended_process_has_taken_no_time() -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    assert (cpu_s(gone.pid), children(gone.pid)) == (0, [])
