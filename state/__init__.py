"""What Sightline remembers, in Redis: read once and committed once per micro-batch, with its position."""
