"""What is kept of one user, and what may be asked for them."""
