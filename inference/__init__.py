"""Pictures to vectors, the catalogue replica and its index, candidates and their ranking."""
