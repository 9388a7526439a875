"""The last line of a worker's log and its exit code, for every way in which it can end."""

import asyncio
import json
import signal
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from inference.errors import EncoderUnavailable
from state.errors import StateCorrupt
from streams.errors import BrokerUnavailable, LogMismatch, PublishFailed, SettingsError
from streams.worker.ending import AS_ASKED, IN_HASTE, REFUSED, UNEXPECTED, exit_code, log_end, log_lost_errors


def noted(error: Exception) -> Exception:
    error.add_note("in the agent of events.items")
    return error


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (None, AS_ASKED),
        (ZeroDivisionError("a bug"), UNEXPECTED),
        (OSError("no such device"), UNEXPECTED),
        (SettingsError("SIGHTLINE_X is wrong"), REFUSED),
        (BrokerUnavailable.no_topic("privacy.exports"), REFUSED),
        (LogMismatch("another topic"), REFUSED),
        (PublishFailed("fatal"), REFUSED),
        (StateCorrupt("a stored value"), REFUSED),
        (EncoderUnavailable("no Triton"), REFUSED),
    ],
    ids=repr,
)
def test_an_exit_code_says_which_kind_of_end_it_was(failure: Exception | None, code: int) -> None:
    assert exit_code(failure) == code


def test_a_worker_that_was_asked_to_end_says_that_it_stopped() -> None:
    with capture_logs() as lines:
        assert log_end("items", None) == 0
    assert lines == [{"event": "stopped", "worker": "items", "exit_code": 0, "log_level": "info"}]


def test_an_expected_error_is_named_with_what_to_do() -> None:
    with capture_logs() as lines:
        assert log_end("items", noted(BrokerUnavailable.no_topic("privacy.exports"))) == 2
    (line,) = lines
    assert (line["event"], line["log_level"], line["error"]) == ("failed", "critical", "BrokerUnavailable")
    assert "'privacy.exports' does not exist: run `sightline topics create`" in line["cause"]
    assert line["cause"].endswith("(in the agent of events.items)")


def test_an_unexpected_error_has_its_traceback_and_a_remedy() -> None:
    failure = noted(ZeroDivisionError())
    with capture_logs() as lines:
        assert log_end("items", failure) == 1
    (line,) = lines
    assert (line["cause"], line["exc_info"]) == ("ZeroDivisionError() (in the agent of events.items)", failure)
    assert "report it" in line["remedy"]


async def test_an_error_that_nobody_waits_for_is_logged() -> None:
    async def fail() -> None:
        raise ZeroDivisionError("a bug")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_lost_errors)
    with capture_logs() as lines:
        task = asyncio.create_task(fail())
        await asyncio.wait({task})
        del task
        await asyncio.sleep(0)
        loop.call_exception_handler({"message": "something without an exception"})
    assert [(line["event"], line.get("cause")) for line in lines] == [
        ("error_nobody_waited_for", "a bug"),
        ("event_loop", None),
    ]


_PROCESS = """
import asyncio, sys
from streams.logs import configure_logs, log
from streams.worker.ending import log_end
from streams.worker.lifecycle import run_to_end

class Process:
    failure = None

    def __init__(self, stack):
        stack.push_async_callback(self.close)

    async def close(self):
        {stop}

    async def start(self):
        {start}
        log.info("ready")

    async def watch(self, stop):
        while not (stop.is_set() or self.failure):
            await asyncio.sleep(0.01)

configure_logs("info")
sys.exit(log_end("items", asyncio.run(run_to_end("items", Process, end_s=1.0))))
"""


def run(start: str = "pass", stop: str = "pass", *, end: bool = False) -> tuple[int, list[str]]:
    """Run a process that does this at its start and stop; its exit code and log. With `end` it is told to end."""
    argv = [sys.executable, "-c", _PROCESS.format(start=start, stop=stop)]
    lines = []
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if end and '"event": "ready"' in line:
                process.send_signal(signal.SIGTERM)
    return process.returncode, lines


def test_a_worker_told_to_end_ends_with_0() -> None:
    code, lines = run(end=True)
    assert (code, json.loads(lines[-1])["event"]) == (0, "stopped")


@pytest.mark.parametrize(
    "start",
    ["raise ZeroDivisionError('a bug')", "self.failure = ZeroDivisionError('a bug')"],
    ids=["at the start", "while it runs"],
)
def test_a_part_that_fails_is_the_last_line(start: str) -> None:
    code, lines = run(start)
    last = json.loads(lines[-1])
    assert (code, last["event"], last["cause"], last["exit_code"]) == (1, "failed", "a bug", 1)
    assert "ZeroDivisionError: a bug" in last["exception"]


def test_a_part_that_fails_while_a_service_is_awaited_ends_the_worker() -> None:
    start = "self.failure = ZeroDivisionError('a bug'); await asyncio.sleep(600)"
    code, lines = run(start)
    assert (code, json.loads(lines[-1])["cause"]) == (1, "a bug")


def test_an_error_while_it_stops_is_named_too() -> None:
    code, lines = run(stop="raise OSError('the disk is full')", end=True)
    assert (code, json.loads(lines[-1])["cause"]) == (1, "the disk is full")


def test_of_two_errors_the_first_is_the_last_line_and_the_second_is_logged() -> None:
    start = "from streams.errors import LogMismatch; self.failure = LogMismatch('another topic')"
    code, lines = run(start, "raise OSError('the disk is full')")
    assert (code, json.loads(lines[-1])["cause"]) == (2, "another topic")
    assert "the disk is full" in json.loads(lines[-2])["exception"]


def test_a_part_that_does_not_stop_is_given_up() -> None:
    code, lines = run(stop="await asyncio.sleep(600)", end=True)
    assert (code, json.loads(lines[-1])["event"]) == (IN_HASTE, "stopped_hard")


def test_a_failed_worker_whose_parts_do_not_stop_still_says_why() -> None:
    start = "self.failure = ZeroDivisionError('a bug')"
    code, lines = run(start, "await asyncio.sleep(600)")
    assert (code, json.loads(lines[-1])["cause"], json.loads(lines[-2])["event"]) == (1, "a bug", "stopped_hard")


def test_a_part_that_is_cancelled_while_it_stops_is_an_end_in_haste() -> None:
    """As aiokafka's consumer is, where Kafka is away."""
    code, lines = run(stop="raise asyncio.CancelledError", end=True)
    assert (code, json.loads(lines[-1])["event"]) == (3, "stopped_hard")
