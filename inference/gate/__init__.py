"""Picture → what models say of it that Triton serves beside the encoder, for the gate (docs/gate.md)."""
