"""The tools of the development environment, which need not be on PATH."""

import subprocess
import sys
from pathlib import Path


def run(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool that is installed beside this Python, and wait for its end."""
    command = [Path(sys.executable).with_name(tool), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)
