"""Picture to item."""
