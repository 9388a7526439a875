"""What looks like a picture or an item, fits some words, or rises."""
