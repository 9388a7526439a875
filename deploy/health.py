"""Waits for a healthy service, or reports why it is not healthy."""

import time
from pathlib import Path

from deploy import process
from deploy.errors import NoAnswerError, StackError
from deploy.process import Process
from deploy.service import Service


def await_healthy(service: Service, running: Process, address: str, *, log: Path, seconds: float) -> None:
    """Return when the service answers; StackError with the end of its log if it ended or after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            service.probe(address, timeout=3)
            return
        except NoAnswerError as error:
            if not process.alive(running):
                raise StackError(f"{service.name} ended at once.{process.tail(log)}") from error
            if time.monotonic() > deadline:
                raise StackError(
                    f"{service.name} is not healthy on {address} after {seconds:.0f} s: {error}.{process.tail(log)}"
                ) from error
        time.sleep(0.1)


def check_external(service: Service, address: str) -> None:
    """Check a service at an address from the settings; raises StackError with the name of the variable."""
    try:
        service.probe(address, timeout=5)
    except NoAnswerError as error:
        variable = f"SIGHTLINE_{service.name.upper()}"
        remedy = error.remedy or f"start it, correct {variable}, or unset it to use one on this machine"
        raise StackError(
            f"{variable} is {address!r}, but no healthy {service.name} answers there: {error}. "
            f"{remedy[0].upper()}{remedy[1:]}"
        ) from error
