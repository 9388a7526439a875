"""The command as a person runs it, against the stack of the test session."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from typing import Any

import pytest
import structlog

from cli.main import main
from streams.kafka.admin import create_topics
from streams.settings import Settings
from streams.wire.namespace import Namespace
from tests.conftest import RunningStack

Run = Callable[..., subprocess.CompletedProcess[str]]


def last_json(result: subprocess.CompletedProcess[str]) -> Any:
    """The JSON object in the last line of stdout."""
    return json.loads(result.stdout.splitlines()[-1])


def environment(**variables: str) -> dict[str, str]:
    """This process's environment, with Sightline's variables replaced by these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")}
    return inherited | {f"SIGHTLINE_{name.upper()}": value for name, value in variables.items()}


def run(*words: str, variables: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run `sightline` to its end."""
    return subprocess.run(
        ["sightline", *words],
        env=environment(**variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def run_here(*words: str, variables: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """As `run`, but in this process: what is refused, or done once more, shows the same without a start of Python."""
    read, out, err = (TextIOWrapper(BytesIO(each), "utf-8") for each in (stdin.encode(), b"", b""))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in os.environ.keys() - environment().keys():
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(f"SIGHTLINE_{name.upper()}", value)
        patch.setattr(sys, "argv", ["sightline", *words])
        patch.setattr(sys, "stdin", read)
        # The log of a command must not keep the stderr of a test.
        patch.setattr(structlog, "configure", lambda **_: None)
        with pytest.raises(SystemExit) as ended:
            main()
    code = ended.value.code
    assert isinstance(code, int)
    for each in (out, err):
        each.seek(0)
    return subprocess.CompletedProcess(words, code, out.read(), err.read())


def clicks(*steps: tuple[str, str]) -> str:
    """What `publish --file -` reads: clicks of users on items, named e0, e1 and so on."""
    named = [
        {"event_id": f"e{number}", "type": "click", "user_id": user, "item_id": item}
        for number, (user, item) in enumerate(steps)
    ]
    return "\n".join(map(json.dumps, named))


@pytest.fixture
def variables(stack: RunningStack, topic_prefix: str) -> dict[str, str]:
    """The settings under which a command finds the stack, with topics of the test's own."""
    settings: Settings = stack.settings
    return {
        "home": str(settings.home),
        "tools": str(settings.tools),
        "topic_prefix": topic_prefix,
        "partitions": "4",
    }


@pytest.fixture
def command(stack: RunningStack, topic_prefix: str, variables: dict[str, str]) -> Run:
    """`command(*words, stdin="")` runs `sightline` with the topics created."""
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), int(variables["partitions"]), 1)

    def call(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return run(*words, variables=variables, stdin=stdin)

    return call


@pytest.fixture
def here(command: Run, variables: dict[str, str]) -> Run:
    """As `command`, but in this process: for what a test needs beforehand, and what another call shows in its own."""

    def call(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return run_here(*words, variables=variables, stdin=stdin)

    return call
