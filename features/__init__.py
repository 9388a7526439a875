"""Values in, values out: profiles, interests, items and pictures, without I/O, clock or randomness."""
