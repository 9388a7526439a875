"""What `sightline worker` does: it runs one worker process."""

from deploy.local import Stack
from streams.settings import read_settings
from streams.worker.process import run_worker
from streams.worker.resources import Addresses
from streams.worker.wiring import WorkerName


def run(name: WorkerName) -> int:
    """Run a worker until it is stopped; returns the exit code."""
    settings = read_settings()
    found = Stack(settings).endpoints()
    return run_worker(name, settings, Addresses(found.kafka, found.redis, found.triton))
