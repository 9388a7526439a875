"""What `sightline web` does: it runs the process of the web door."""

from deploy.local import Stack
from streams.settings import read_settings
from streams.worker.resources import Addresses
from web.server import run_web


def run() -> int:
    """Serve until it is stopped; returns the exit code."""
    settings = read_settings()
    found = Stack(settings).endpoints()
    return run_web(settings, Addresses(found.kafka, found.redis, found.triton))
