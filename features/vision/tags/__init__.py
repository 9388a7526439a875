"""Readable tags: the classes of the network in groups with names in English and Chinese."""
