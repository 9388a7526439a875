"""Profile to candidates."""
