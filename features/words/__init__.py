"""What items say in words."""
