"""How good the encoder is after it was fitted or trained: on pictures, kinds and domains that the fit did not have."""
