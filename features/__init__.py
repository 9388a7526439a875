"""Pure functions of values: profiles, interests, items and pictures, without I/O, clock or randomness."""
