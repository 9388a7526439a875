"""Child processes that outlive this one, known again by pid and time of birth."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StackError

TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Process:
    """A process by pid and birth, so that another process with a recycled pid is never taken for it."""

    pid: int
    birth: str


def spawn(argv: Sequence[str], *, log: Path, env: Mapping[str, str]) -> Process:
    """Start `argv` in a session of its own, its output added to `log`, `env` on top of our environment."""
    log.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        inherited(env),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        # Python ignores SIGPIPE, and a shell's background job ignores SIGINT: the service inherits neither.
        setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM],
    )
    return Process(pid, _state_and_birth(pid)[1])


def inherited(env: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, handed on whole, with `env` on top."""
    return {**os.environ, **env}


def alive(process: Process) -> bool:
    """Whether this very process still runs; one that ended is collected, so that no zombie stays."""
    state, birth = _state_and_birth(process.pid)
    if birth != process.birth:
        return False
    if state not in "ZX":
        return True
    with suppress(ChildProcessError):  # another process's child, or collected by another thread
        os.waitpid(process.pid, 0)  # returns when its last thread has ended, which frees its ports
    return False


def cpu_s(process: Process) -> float:
    """Seconds of processor time that a running process has taken; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def send(process: Process, number: signal.Signals) -> bool:
    """Signal the process and its children; false if it is gone."""
    if not alive(process):
        return False
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def end(process: Process, *, grace: float) -> None:
    """SIGTERM, after `grace` seconds SIGKILL; returns when the process is gone."""
    send(process, signal.SIGTERM)
    send(process, signal.SIGCONT)  # a paused process cannot act on SIGTERM
    if not _gone_within(process, grace):
        kill(process)


def wait(process: Process, *, seconds: float) -> int | None:
    """The exit status of a child of ours once it ends, minus the signal's number for one; None if it did not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # It stays to be collected: `alive` does that, and knows that it has gone.
        found = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is not None:
            return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        time.sleep(0.05)
    return None


def kill(process: Process) -> None:
    """SIGKILL; returns when the process is gone."""
    send(process, signal.SIGKILL)
    if not _gone_within(process, 30):
        raise StackError(
            f"process {process.pid} does not end on SIGKILL: it hangs in the kernel, see `ps {process.pid}`"
        )


def run(argv: Sequence[str], *, what: str, log: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a set-up command to its end, its output added to `log`; StackError with that if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        result = subprocess.run(  # noqa: S603 - no shell, and every argv is our own
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=inherited(env or {}),
            check=False,
        )
    if result.returncode != 0:
        raise StackError(f"{what} failed (exit {result.returncode}).{tail(log)}")


def output_of(argv: Sequence[str]) -> str:
    """What a short command prints, errors included, whatever its exit status."""
    result = subprocess.run(  # noqa: S603 - no shell, and every argv is our own
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return result.stdout.decode(errors="replace")


def tail(log: Path) -> str:
    """The end of a log, ready to stand behind an error message."""
    if not log.exists():
        return f" It wrote no log ({log})."
    lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f" The end of {log}:", *(f"  {line}" for line in lines)])


def _gone_within(process: Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _state_and_birth(pid: int) -> tuple[str, str]:
    """A process's state letter, and the boot and clock tick at which it was born; empty if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "", ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return fields[0], f"{boot}/{fields[19]}"
