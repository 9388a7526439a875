"""Faults inflicted on a whole system under load, each judged by the oracle (docs/faults.md)."""
