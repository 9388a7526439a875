"""A deployment's own classes of items, learned from a few pictures of each."""
