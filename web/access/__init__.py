"""Who may use the web door, for what, and how much of it."""
