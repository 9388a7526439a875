"""Business rules of a shop: what it wants more or less of, promotes to named slots, or leaves out."""
