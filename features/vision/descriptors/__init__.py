"""Classic descriptors of a picture: its colours, texture, shape and hashes, in a few bytes that need no network."""
