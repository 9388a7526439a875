"""Showing what is not known well, to learn of it."""
