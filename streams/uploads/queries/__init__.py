"""Answers queries by pictures and words."""
