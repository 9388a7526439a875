"""Processor time of processes and their children."""

from pathlib import Path

from deploy import process
from deploy.process import Process


def cpu_s(pid: int) -> float:
    """Processor time of a process in seconds; 0 if it has ended."""
    return process.cpu_s(Process(pid, birth=""))


def children(pid: int) -> list[int]:
    """The running child processes of a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, task.read_text().split())
    return found


def family_cpu_s(pid: int) -> float:
    """Processor time of a process and all its running descendants, in seconds."""
    return cpu_s(pid) + sum(map(family_cpu_s, children(pid)))
