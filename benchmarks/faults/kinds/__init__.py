"""The faults, one module for each part of the system that they strike."""
