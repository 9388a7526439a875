"""Facts of items as numbers, for the columns of the catalogue."""
