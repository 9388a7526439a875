"""Latent factors of items: their training, their file, and users among them."""
