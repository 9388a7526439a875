"""`sightline dead-letters …`."""
