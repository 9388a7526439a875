"""What came of an experiment, read from the log."""
