"""Trainings by commands that stand in for one, and a worker that follows the file they write."""

import asyncio
import fcntl
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from structlog.testing import capture_logs

from inference.factors.file import encode_factors
from streams.learning.file_follower import FileFollower
from streams.learning.model_file import ModelFile
from streams.learning.model_kinds import FACTORS
from streams.settings import Settings
from streams.worker import refitter as refitter_module
from streams.worker.refitter import Refitter
from tests.harness.factors import factors_of
from tests.harness.fakes import until
from tests.harness.interactions import metric


def fits(outcome: str) -> float:
    return metric("sightline_fits_total", model="factors", outcome=outcome)


@asynccontextmanager
async def running(script: str, *words: str, every_s: float = 0.01) -> AsyncIterator[Refitter]:
    async with AsyncExitStack() as stack:
        command = (sys.executable, "-c", script, *words)
        refitter = Refitter("factors", command, Settings(metrics_port=0, metrics_host="127.0.0.1"), every_s, stack)
        await refitter.start()
        yield refitter


#: Moves the first of the files that are left to where workers read it.
NEXT = """
import json, os, sys
place, *files = sys.argv[1:]
left = [file for file in files if os.path.exists(file)]
if not left:
    print(json.dumps({"is_kept": False}))
    sys.exit(1)
os.replace(left[0], place)
print(json.dumps({"is_kept": True}))
"""


def file_of(folder: Path, items: int) -> str:
    """A file of factors of so many items."""
    path = folder / f"fit-{items}"
    path.write_bytes(encode_factors(factors_of({f"i{n}": (1.0, 0.5) for n in range(items)})))
    return str(path)


async def test_a_second_training_is_taken_up_by_a_worker_that_follows_the_file(tmp_path: Path) -> None:
    place = tmp_path / "factors"
    follower = FileFollower(FACTORS, ModelFile(str(place)))
    names = [file_of(tmp_path, items) for items in (1, 2)]
    seen: list[int] = []
    kept, worse = fits("kept"), fits("worse")

    async with running(NEXT, str(place), *names) as refitter:
        while 2 not in seen:
            await follower.look()
            seen.append(0 if follower.model is None else len(follower.model.keys))
            await asyncio.sleep(0)
            assert refitter.failure is None
        await until(lambda: fits("worse") > worse)

    assert fits("kept") == kept + 2
    assert metric("sightline_fit_kept_timestamp_seconds", model="factors") > 0
    assert metric("sightline_factor_items") == 2


async def test_a_training_that_fails_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refitter_module, "RETRY_S", 0.01)
    before = fits("failed")
    with capture_logs() as logs:
        async with running("import sys; print('no broker', file=sys.stderr); sys.exit(2)", every_s=1e6) as refitter:
            await until(lambda: fits("failed") >= before + 2)
            assert refitter.failure is None
    failed = [each for each in logs if each["event"] == "fit_failed"]
    assert (failed[0]["cause"], failed[0]["exit_code"]) == ("no broker", 2)


@pytest.mark.parametrize(
    "script", ["import os; os.kill(os.getpid(), 9)", "import sys; sys.exit(7)", "raise MemoryError", "print(7)"]
)
async def test_a_training_that_is_killed_or_ends_by_a_fault_of_its_own_is_a_failure(script: str) -> None:
    before = fits("failed"), fits("kept")
    async with running(script, every_s=1e6):
        await until(lambda: fits("failed") == before[0] + 1)
    assert fits("kept") == before[1]


async def test_a_training_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refitter_module, "LIMIT_S", 0.2)
    before = fits("failed")
    async with running("import time; time.sleep(1000)", every_s=1e6):
        await until(lambda: fits("failed") == before + 1)


async def test_a_training_ends_with_its_process(tmp_path: Path) -> None:
    script = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(1000)"
    named = tmp_path / "pid"
    async with running(script, str(named)):
        await until(lambda: named.exists() and named.read_text() != "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(named.read_text()), 0)


#: A refitter whose training, a process of its own, holds a lock until it ends.
HOLDING = """
import sys, uvloop
from contextlib import AsyncExitStack
from streams.settings import Settings
from streams.worker.lifecycle import run_to_end
from streams.worker.refitter import Refitter

training = (
    "import fcntl, sys, time; from streams.worker.refitter import end_with_parent; end_with_parent();"
    "held = open(sys.argv[1], 'w'); fcntl.flock(held, fcntl.LOCK_EX);"
    "print(1, file=held, flush=True); time.sleep(1000)"
)
command = (sys.executable, "-c", training, sys.argv[1])
settings = Settings(metrics_port=0, metrics_host="127.0.0.1")
uvloop.run(run_to_end("refitter", lambda stack: Refitter("factors", command, settings, 1e6, stack)))
"""


async def test_a_training_ends_with_its_process_when_that_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    refitter = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDING, str(lock), stdout=DEVNULL)
    await until(lambda: lock.exists() and lock.read_text() != "")
    with lock.open() as held, pytest.raises(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    refitter.kill()
    await refitter.wait()
    with lock.open() as held:
        # Returns once the training has ended.
        async with asyncio.timeout(60):
            await asyncio.to_thread(fcntl.flock, held, fcntl.LOCK_EX)


async def test_it_is_ready_once_a_training_ended_and_says_what_failed() -> None:
    async with AsyncExitStack() as stack:
        command = (sys.executable, "-c", "import sys; sys.exit(2)")
        refitter = Refitter("factors", command, Settings(metrics_port=0), 1e6, stack)
        with capture_logs() as logs:
            await refitter.start()
            port = next(each["metrics_port"] for each in logs if each["event"] == "starting")
            await until(lambda: any(each["event"] == "fit_failed" for each in logs))
        assert await asyncio.to_thread(answer, port, "/healthz") == (200, "ok\n")
        assert await asyncio.to_thread(answer, port, "/readyz") == (503, "the last training failed: exit code 2\n")


def answer(port: int, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as found:
            return found.status, found.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
