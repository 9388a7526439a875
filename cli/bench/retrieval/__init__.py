"""How well pictures find each other: by every way to compare, by words, and by their parts."""
