"""`sightline bench …`."""
