"""Clips: what is accepted as one, its key frames, and what an item keeps of it."""
