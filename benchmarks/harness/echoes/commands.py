"""The commands that start the echoes: reference processes that send every message on unchanged."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from deploy.service import Progress

EchoName = Literal["faust", "patched", "aiokafka", "quixstreams"]
#: The arguments that follow are Kafka, group, topic of events, topic of answers and a data folder.
_MODULES: Final[dict[EchoName, Sequence[str]]] = {
    "faust": (sys.executable, "-m", "benchmarks.harness.echoes.echo_faust"),
    "patched": (sys.executable, "-m", "benchmarks.harness.echoes.echo_faust"),
    "aiokafka": (sys.executable, "-m", "benchmarks.harness.echoes.echo_aiokafka"),
}
_SCRIPT = Path(__file__).with_name("echo_quixstreams.py")
#: Time limit for the creation of the quixstreams environment, which includes downloads.
_INSTALL_S = 300.0


def echo_command(name: EchoName, kafka: str, group: str, events: str, answers: str, folder: Path) -> list[str]:
    """The command of one process of the echo."""
    program = _MODULES.get(name) or _script(shutil.which("uv") or "uv")
    return [*program, kafka, group, events, answers, str(folder), *(["--patched"] if name == "patched" else [])]


def has_quixstreams(progress: Progress) -> bool:
    """Whether the quixstreams echo can be started; creates its environment if there is none."""
    uv = shutil.which("uv")
    if uv is None:
        progress("quixstreams is left out: its environment needs uv, and there is no `uv` on PATH; install uv")
        return False
    progress("quixstreams: checking its environment")
    try:
        done = subprocess.run(_script(uv), check=False, capture_output=True, text=True, timeout=_INSTALL_S)  # noqa: S603 (our own)
    except subprocess.TimeoutExpired:
        progress(f"quixstreams is left out: its environment was not ready after {_INSTALL_S:.0f} s")
        return False
    if done.returncode:
        progress(f"quixstreams is left out: {done.stderr.strip()}")
    return done.returncode == 0


def _script(uv: str) -> list[str]:
    return [uv, "run", "--quiet", "--python", sys.executable, "--script", str(_SCRIPT)]
