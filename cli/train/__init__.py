"""Models that are learned from a log, beside the running system."""
