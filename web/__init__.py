"""The web door: an HTTP API with server-sent events, and a page on it."""
