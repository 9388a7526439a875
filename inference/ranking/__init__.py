"""Candidates to a list with reasons."""
