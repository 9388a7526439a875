"""Which part of a picture is looked at, and how certain it is what it shows."""
