"""`sightline user …`."""
