"""Simulated shoppers on real pictures: whether lists follow their tastes, and let go of old ones."""
