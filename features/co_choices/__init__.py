"""Items chosen together: what a choice says, and the neighbours that an item learns from it."""
