"""The network behind the encoder, trained on a deployment's own pictures and held near what it was."""
