"""Starts, monitors and stops a worker process."""
