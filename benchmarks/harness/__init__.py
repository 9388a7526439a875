"""The tools of the measurements: load, systems under test, reference echoes, watches."""
