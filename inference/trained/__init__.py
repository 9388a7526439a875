"""What sources by trained models share: vectors of items, what is said of users by them, and the form of a file."""
