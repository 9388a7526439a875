"""Searches the catalogue with pictures and words, and names what photos show."""
