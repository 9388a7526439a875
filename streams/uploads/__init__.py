"""Turns uploaded pictures into items, and answers queries by picture."""
