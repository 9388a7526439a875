"""Turns users' interactions into refreshed lists."""
