"""State recomputed from the log: rebuilt, or verified."""
