"""What a catalogue knows of clips beside their one vector: the vectors of their key frames, and their hashes."""
