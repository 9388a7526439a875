"""The state recomputed from the log, to rebuild or to verify it."""
