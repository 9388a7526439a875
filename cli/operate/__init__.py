"""Commands for operators: services, workers, topics, state."""
