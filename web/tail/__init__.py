"""What was published lately, for who waits for it: one reader of the topics for all requests."""
