import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from streams.objects import threads
from streams.objects.answers import answering
from streams.objects.errors import ObjectsUnavailable
from streams.objects.threads import ENDING_S, in_thread


async def test_a_call_returns_or_raises_as_it_would_without_a_thread() -> None:
    assert await in_thread(int, "ff", base=16) == 255
    with pytest.raises(ValueError, match="invalid literal"):
        await in_thread(int, "shoe")


async def test_calls_run_beside_each_other_however_many_hang() -> None:
    release = threading.Event()
    hanging = [asyncio.create_task(in_thread(release.wait)) for _ in range(40)]
    assert await in_thread(len, "shoe") == 4
    release.set()
    assert await asyncio.gather(*hanging) == [True] * 40


async def test_a_store_that_hangs_for_ever_takes_no_more_than_so_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MOST", 8)
    # Calls that tests before left behind would count.
    monkeypatch.setattr(threads, "_running", set())
    release, begun = threading.Event(), threading.Semaphore(0)

    def hang() -> None:
        begun.release()
        release.wait()

    hanging = [asyncio.create_task(in_thread(hang)) for _ in range(8)]
    assert all([await asyncio.to_thread(begun.acquire, timeout=60) for _ in hanging])
    with pytest.raises(OSError, match="8 calls of stores have no answer yet"):
        await in_thread(len, "shoe")
    release.set()
    await asyncio.gather(*hanging)
    assert await in_thread(len, "shoe") == 4


async def test_one_that_nobody_waits_for_any_more_is_no_error() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await in_thread(release.wait)
    release.set()


async def test_where_the_system_gives_no_more_threads_the_store_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(ObjectsUnavailable, match="the store is away: its call gets no thread: can't start"):
        async with answering("the store is away"):
            await in_thread(len, "shoe")


async def test_what_a_store_did_not_take_is_gone_with_the_error() -> None:
    data = np.zeros(10)
    held, before = weakref.ref(data), set(threading.enumerate())

    def refuse(_: object) -> None:
        raise OSError("the store is away")

    gc.disable()  # a worker rarely collects cycles
    try:
        with suppress(OSError):
            await in_thread(refuse, data)
        del data
        await asyncio.sleep(0)  # the loop lets its last call go
        for thread in set(threading.enumerate()) - before:
            thread.join(60)
        assert held() is None
    finally:
        gc.enable()


_READER = """
import asyncio, sys
from streams.learning.model_file import ModelFile
asyncio.run(ModelFile(sys.argv[1]).read(100))
"""


def test_a_process_that_read_a_file_and_ends_at_once_is_not_aborted(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text("{}")

    def read(_: int) -> int:
        done = subprocess.run([sys.executable, "-c", _READER, str(tmp_path / "rules.json")], check=False)
        return done.returncode

    # Many at a time: with asynchronous calls of the client, one in five was aborted on a machine that busy.
    with ThreadPoolExecutor(8) as beside:
        assert set(beside.map(read, range(32))) == {0}


_HANGING = """
import asyncio, threading
from streams.objects.threads import in_thread
async def main():
    async with asyncio.timeout(0.01):
        await in_thread(threading.Event().wait)
asyncio.run(main())
"""


def test_a_store_that_hangs_does_not_hold_up_the_end_of_a_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HANGING], check=False, capture_output=True, text=True, timeout=ENDING_S + 60
    )
    assert done.returncode == 1
    assert done.stderr.endswith("TimeoutError\n")


_ENDING = """
import asyncio, atexit, threading
from streams.objects.threads import in_thread
ending = threading.Event()
def late():
    ending.wait()
    print(sum(range(2_000_000)), flush=True)
async def main():
    async with asyncio.timeout(0.01):
        await in_thread(late)
atexit.register(ending.set)  # before what is waited for at the end
asyncio.run(main())
"""


def test_a_call_that_runs_when_the_process_ends_is_waited_for() -> None:
    done = subprocess.run([sys.executable, "-c", _ENDING], check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout == "1999999000000\n"
