"""Child processes that outlive this one, identified by pid and start time."""

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
    """A process, identified by pid and start time, so that a process with a recycled pid is not mistaken for it."""

    pid: int
    birth: str


def spawn(argv: Sequence[str], *, log: Path, env: Mapping[str, str]) -> Process:
    """Start `argv` in a new session; its output is appended to `log`, and `env` extends our environment."""
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
        # Python ignores SIGPIPE, and a background job of a shell ignores SIGINT; the service must not inherit this.
        setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM],
    )
    return Process(pid, _state_and_birth(pid)[1])


def inherited(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process, extended by `env`."""
    return {**os.environ, **env}


def alive(process: Process) -> bool:
    """Whether exactly this process still runs; an ended child is reaped, so that no zombie remains."""
    state, birth = _state_and_birth(process.pid)
    if birth != process.birth:
        return False
    if state not in "ZX":
        return True
    with suppress(ChildProcessError):  # not our child, or reaped by another thread
        os.waitpid(process.pid, 0)  # returns when its last thread has ended, which frees its ports
    return False


def cpu_s(process: Process) -> float:
    """Processor time of a process in seconds; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(process: Process) -> int:
    """Memory of a process that is in use, in bytes; 0 if it has ended."""
    try:
        return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0


def send(process: Process, number: signal.Signals) -> bool:
    """Signal the process and its children; returns False if it has ended."""
    if not alive(process):
        return False
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def pause(process: Process) -> None:
    """Send SIGSTOP; returns when no thread of the process runs any more, which the signal alone does not wait for."""
    send(process, signal.SIGSTOP)
    deadline = time.monotonic() + 30
    while not _is_stopped(process.pid):
        if time.monotonic() > deadline:
            raise StackError(f"process {process.pid} does not stop on SIGSTOP: check `ps -L {process.pid}`")
        time.sleep(0.01)


def resume(process: Process) -> None:
    """Send SIGCONT."""
    send(process, signal.SIGCONT)


def end(process: Process, *, grace: float) -> None:
    """Send SIGTERM, and SIGKILL after `grace` seconds; returns when the process has ended."""
    send(process, signal.SIGTERM)
    send(process, signal.SIGCONT)  # a paused process cannot act on SIGTERM
    if not _gone_within(process, grace):
        kill(process)


def wait(process: Process, *, seconds: float) -> int | None:
    """The exit status of our child once it ends, or minus the number of its signal; None after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # The child is not reaped here: `alive` does that and so knows that it has ended.
        found = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is not None:
            return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        time.sleep(0.05)
    return None


def kill(process: Process) -> None:
    """Send SIGKILL; returns when the process has ended."""
    send(process, signal.SIGKILL)
    if not _gone_within(process, 30):
        raise StackError(
            f"process {process.pid} does not end on SIGKILL: it hangs in the kernel, check `ps {process.pid}`"
        )


def run(argv: Sequence[str], *, what: str, log: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a set-up command; its output is appended to `log`. Raises StackError with the end of the log if it fails."""
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
    """The output of a short command, including errors; its exit status is ignored."""
    result = subprocess.run(  # noqa: S603 - no shell, and every argv is our own
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return result.stdout.decode(errors="replace")


def tail(log: Path) -> str:
    """The end of a log, in a form to append to an error message."""
    if not log.exists():
        return f" There is no log at {log}."
    lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f" The end of {log}:", *(f"  {line}" for line in lines)])


def _gone_within(process: Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _is_stopped(pid: int) -> bool:
    """Whether all threads of a process are stopped, or it has ended."""
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended just now
            if stat.read_text().rpartition(")")[2].split()[0] not in "TtZX":
                return False
    return True


def _state_and_birth(pid: int) -> tuple[str, str]:
    """The state letter of a process, and its boot id and start tick; empty strings if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "", ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return fields[0], f"{boot}/{fields[19]}"
