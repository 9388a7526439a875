"""What operators look at: health, metrics, and the figures of all workers."""
