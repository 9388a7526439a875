"""Picture → how likely it shows what a shop must not: a model that Triton serves beside the encoder (docs/gate.md)."""
