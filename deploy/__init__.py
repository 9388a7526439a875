"""The stack on one machine, and the files for production deployments."""
