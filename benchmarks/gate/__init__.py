"""Faults and changes put on real pictures, and how often the gate finds them."""
