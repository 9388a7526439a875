"""The uploads worker without gate and descriptors: what it costs to embed a picture, and nothing more.

Run it as a worker: `python -m benchmarks.harness.plain_uploads uploads`, with the same environment variables;
SIGHTLINE_KEEP_PICTURES=none leaves out previews, too.
"""

import sys
from functools import partial

from deploy.local import Stack
from streams.settings import read_settings
from streams.worker.process import run_worker
from streams.worker.resources import Addresses
from streams.worker.wiring import wire_uploads

COMMAND = (sys.executable, "-m", "benchmarks.harness.plain_uploads")


def run() -> int:
    """Run the worker until it is stopped; returns the exit code."""
    settings = read_settings()
    found = Stack(settings).endpoints()
    addresses = Addresses(found.kafka, found.redis, found.triton)
    return run_worker("uploads", settings, addresses, partial(wire_uploads, describes=False))


if __name__ == "__main__":
    sys.exit(run())
