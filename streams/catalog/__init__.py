"""Catalogue record to searchable item."""
