"""Code that all agents share: positions, commits, dead letters, breakers."""
