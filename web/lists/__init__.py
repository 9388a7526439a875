"""The lists of a user: made now, or pushed as they are published."""
