"""A policy that learns what to show, judged by the log of another policy."""
