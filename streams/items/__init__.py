"""Turns signals and item changes into catalogue records."""
