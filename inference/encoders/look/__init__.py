"""What the encoder makes of a network's features: joined with colour, and mapped."""
