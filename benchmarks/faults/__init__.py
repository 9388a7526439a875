"""Faults inflicted on a whole system under load; a replay of the log verifies the state after each (docs/faults.md)."""
