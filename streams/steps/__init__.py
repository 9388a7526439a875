"""The last steps of all users: read back from state.steps at the start, then followed."""
