"""Why an item is in a user's list, and why another is not."""
