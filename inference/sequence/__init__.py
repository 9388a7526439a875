"""A net that reads what a user chose, one item after the other: its training, its file, and the vectors it gives."""
