"""The stack on one machine, and the files that deploy it in production."""
