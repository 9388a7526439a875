"""The state in Redis. A micro-batch reads it once and commits it once, together with the position in the log."""
