"""How a worker process starts, is watched, and ends."""
