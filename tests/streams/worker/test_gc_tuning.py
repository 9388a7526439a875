import subprocess
import sys

_BATCHES = """
import resource
import numpy as np
from streams.worker.process import gc_tuning as memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        [np.ones(1_000_000, np.uint8) for _ in range(4)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

memory.keep()
faults()
print(faults())
"""


def test_a_batch_takes_the_room_that_the_one_before_it_left() -> None:
    """A million bytes are 245 pages, and each that the system has to give is a fault: 24,500 here at least."""
    told = subprocess.run([sys.executable, "-c", _BATCHES], check=True, capture_output=True, text=True)

    assert int(told.stdout) < 1000
