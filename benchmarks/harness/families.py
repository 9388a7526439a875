"""The processor time of processes and of those that they started."""

from pathlib import Path

from deploy import process
from deploy.process import Process


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has taken; 0 for one that is gone."""
    return process.cpu_s(Process(pid, birth=""))


def children(pid: int) -> list[int]:
    """The processes that a process started and that still run."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, task.read_text().split())
    return found


def family_cpu_s(pid: int) -> float:
    """Seconds of processor time that a process has taken, and all that it started and that still run."""
    return cpu_s(pid) + sum(map(family_cpu_s, children(pid)))
