"""What all users did lately, in a worker's memory."""
