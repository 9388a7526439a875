"""Click to list."""
