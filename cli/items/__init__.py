"""`sightline items …`."""
