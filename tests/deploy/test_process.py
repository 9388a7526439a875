import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import process
from deploy.errors import StackError
from deploy.process import Process


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    running = process.spawn(["/bin/sleep", "60"], log=tmp_path / "log", env={})
    yield running
    process.kill(running)


@pytest.fixture
def stubborn(tmp_path: Path) -> Iterator[Process]:
    """A process that ignores SIGTERM."""
    log = tmp_path / "log"
    script = "trap '' TERM; echo deaf; while :; do sleep 0.1; done"
    running = process.spawn(["/bin/sh", "-c", script], log=log, env={})
    deadline = time.monotonic() + 30
    while "deaf" not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield running
    process.kill(running)


def test_a_process_is_alive_until_it_is_ended(sleeper: Process) -> None:
    assert process.alive(sleeper)
    process.end(sleeper, grace=30)
    assert not process.alive(sleeper)


def test_an_ended_process_leaves_no_zombie(sleeper: Process) -> None:
    process.end(sleeper, grace=30)
    assert not Path(f"/proc/{sleeper.pid}").exists()


def test_a_paused_process_has_stopped_when_pause_returns(sleeper: Process) -> None:
    process.pause(sleeper)
    try:
        states = [stat.read_text().split()[2] for stat in Path(f"/proc/{sleeper.pid}/task").glob("*/stat")]
        assert set(states) == {"T"}
    finally:
        process.resume(sleeper)


def test_pausing_a_process_that_has_ended_does_nothing(sleeper: Process) -> None:
    process.end(sleeper, grace=30)
    process.pause(sleeper)


def test_a_paused_process_ends(sleeper: Process) -> None:
    process.pause(sleeper)
    process.end(sleeper, grace=30)
    assert not process.alive(sleeper)


def test_a_process_that_ignores_sigterm_ends_by_sigkill_after_the_grace(stubborn: Process) -> None:
    process.end(stubborn, grace=0.2)
    assert not process.alive(stubborn)


def test_this_process_with_another_birth_is_not_signalled() -> None:
    stranger = Process(os.getpid(), "another boot/1")
    assert not process.alive(stranger)
    assert not process.send(stranger, signal.SIGTERM)


def test_output_and_added_environment_reach_the_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log"
    process.run(["/bin/sh", "-c", "echo to $WHOM; echo oops >&2"], what="a test", log=log, env={"WHOM": "you"})
    assert log.read_text() == "to you\noops\n"


def test_a_failed_command_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(StackError, match=r"(?s)a test failed \(exit 3\).*no luck"):
        process.run(["/bin/sh", "-c", "echo no luck; exit 3"], what="a test", log=log)
