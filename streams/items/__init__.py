"""Signals and item changes to catalogue records."""
