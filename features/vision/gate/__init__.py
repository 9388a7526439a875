"""The gate: what is wrong with a picture as a picture, whatever it shows (docs/gate.md)."""
