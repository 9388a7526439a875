"""What is known of a user in words, why the list is as it is, and what the user may ask of us."""
