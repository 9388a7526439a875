"""The references that do nothing but send on: which there are, and how each is started."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from deploy.service import Progress

EchoName = Literal["faust", "patched", "aiokafka", "quixstreams"]
#: A process of each: further arguments are Kafka, group, topic of events, topic of answers and a folder.
_MODULES: Final[dict[EchoName, Sequence[str]]] = {
    "faust": (sys.executable, "-m", "benchmarks.harness.echo"),
    "patched": (sys.executable, "-m", "benchmarks.harness.echo"),
    "aiokafka": (sys.executable, "-m", "benchmarks.harness.echo_aiokafka"),
}
_SCRIPT = Path(__file__).with_name("echo_quixstreams.py")
#: While its environment is made, which downloads it.
_INSTALL_S = 300.0


def echo_command(name: EchoName, kafka: str, group: str, events: str, answers: str, folder: Path) -> list[str]:
    """What starts one process of the echo."""
    before = _MODULES.get(name) or _script(shutil.which("uv") or "uv")
    return [*before, kafka, group, events, answers, str(folder), *(["--patched"] if name == "patched" else [])]


def has_quixstreams(progress: Progress) -> bool:
    """Whether that echo can be started; makes its environment where there is none."""
    uv = shutil.which("uv")
    if uv is None:
        progress("quixstreams is left out: its environment is made with uv, and there is no `uv` on PATH")
        return False
    progress("quixstreams: looking for its environment")
    try:
        done = subprocess.run(_script(uv), check=False, capture_output=True, text=True, timeout=_INSTALL_S)  # noqa: S603 (our own)
    except subprocess.TimeoutExpired:
        progress(f"quixstreams is left out: its environment was not there after {_INSTALL_S:.0f} s")
        return False
    if done.returncode:
        progress(f"quixstreams is left out: {done.stderr.strip()}")
    return done.returncode == 0


def _script(uv: str) -> list[str]:
    return [uv, "run", "--quiet", "--python", sys.executable, "--script", str(_SCRIPT)]
