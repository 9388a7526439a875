"""How well words find pictures, and pictures words."""
