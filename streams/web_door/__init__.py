"""The settings of the web door, and what must hold between them."""
