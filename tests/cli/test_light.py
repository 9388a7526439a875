"""Help and usage errors load nothing heavy: they must come at once, in a fresh process."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measures.encoder import BATCH
from cli.bench.commands import encoder

#: Not pydantic: Typer itself reads the words of the command line with it.
HEAVY = {
    *("numpy", "numba", "llvmlite", "usearch", "numkong", "torch", "PIL", "tritonclient", "grpc"),
    *("confluent_kafka", "kafka", "aiokafka", "faust", "redis", "obstore", "asyncio", "uvloop"),
    *("pydantic_settings", "prometheus_client", "structlog", "stamina"),
}
ROOT = Path(__file__).parents[2]

#: Prints, as JSON, the exit code of each call and all modules loaded by then. The code 77 stands for a call without a
#: usage error, which would have done the work of the command.
WALK = """
import contextlib, io, json, sys
from typer.main import get_command
from cli.main import app

def calls(words, command):
    yield [*words, "--help"]
    for name, each in getattr(command, "commands", {}).items():
        yield from calls([*words, name], each)
    if hasattr(command, "commands"):
        yield [*words, "nope"]
        return
    yield words
    yield [*words, "--nope"]
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    yield [*words, *("nope" for each in arguments)]
    for option in command.params:
        if option.param_type_name == "option" and not option.is_flag:
            yield [*words, *("x" for each in arguments), option.opts[0], "nope"]

def exit_code(words):
    command, rest = root, list(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    if not hasattr(command, "commands"):
        command.callback = lambda **given: sys.exit(77)
    try:
        command.main(rest, "sightline")
    except SystemExit as end:
        return end.code

root = get_command(app)
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    exits = {" ".join(words): exit_code(words) for words in calls([], root)}
print(json.dumps({"exits": exits, "modules": sorted(sys.modules)}))
"""


def heavy(modules: Iterable[str]) -> set[str]:
    return HEAVY & {name.partition(".")[0] for name in modules}


def in_fresh_process(script: str, *words: str) -> Any:
    """The last line of what a script prints, which is JSON."""
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_help_and_usage_errors_of_every_command_load_nothing_heavy() -> None:
    walked = in_fresh_process(WALK)
    exits = walked["exits"]
    assert heavy(walked["modules"]) == set()
    assert {code for call, code in exits.items() if call.endswith("--help")} == {0}
    assert {code for call, code in exits.items() if call.endswith("--nope")} == {2}
    refused = {call for call, code in exits.items() if code == 2}
    assert {"nope", "user nope", "user show", "up nope", "topics acls nope"} <= refused
    assert {"bench latency --rate nope", "publish --type nope", "tail --count nope"} <= refused


@pytest.mark.parametrize(
    "words",
    [["publish", "--user", "u1"], ["dead-letters", "list", "--since", "2y"], ["similar", "no-such-file"]],
    ids=str,
)
def test_a_usage_error_that_the_command_finds_itself_loads_nothing_heavy(words: list[str]) -> None:
    script = """
import json, sys
from cli.main import main
try:
    main()
except SystemExit as end:
    print(json.dumps({"exit": end.code, "modules": sorted(sys.modules)}))
"""
    ended = in_fresh_process(script, *words)
    assert (ended["exit"], heavy(ended["modules"])) == (2, set())


def test_the_least_number_of_pictures_is_that_of_the_bench() -> None:
    assert encoder.__annotations__["images"].__metadata__[0].min == BATCH
