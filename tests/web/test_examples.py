"""The examples of docs/http.md that are marked `run` do run, against an app that really listens.

That in JavaScript runs in tests/web/browser.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator

import pytest
import uvicorn

from inference.warm_up import warm_up_lists
from tests.harness.fakes import until
from tests.harness.paths import ROOT
from tests.harness.serving import serve
from tests.harness.web import Door

EXAMPLES = re.findall(r"^```(sh|python) run\n(.*?)^```$", (ROOT / "docs" / "http.md").read_text(), re.M | re.S)
#: curl itself does not fail where the answer is a problem.
STRICT = 'set -euo pipefail; curl() { command curl --silent --show-error --fail-with-body "$@"; }'


@pytest.fixture
async def address(door: Door) -> AsyncIterator[str]:
    # As the server does: no client waits for the compiler.
    await asyncio.to_thread(warm_up_lists)
    door.tail.lists.put("ann", 7, b'{"seq":7,"items":[]}')
    config = uvicorn.Config(door.app, port=0, http="httptools", ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(serve(server))
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    await serving


def test_there_are_examples_of_each_kind() -> None:
    assert {language for language, _ in EXAMPLES} == {"sh", "python"}


@pytest.mark.parametrize(("language", "code"), EXAMPLES, ids=lambda part: part.splitlines()[0][:40])
async def test_an_example_of_the_page_runs(address: str, language: str, code: str) -> None:
    command = [sys.executable, "-c", code] if language == "python" else ["bash", "-c", f"{STRICT}\n{code}"]
    running = await asyncio.create_subprocess_exec(
        *command, env=os.environ | {"DOOR": address}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(running.communicate(), 120)
    assert running.returncode == 0, said.decode()
