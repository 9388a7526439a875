"""What all agents share: positions, commits, dead letters, breakers."""
