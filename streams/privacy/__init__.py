"""Request to receipt."""
