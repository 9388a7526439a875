"""`sightline publish` and `sightline tail`."""
