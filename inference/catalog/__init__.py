"""The catalogue in memory: items as rows, and their vectors in an index."""
