"""Picture to vector."""
