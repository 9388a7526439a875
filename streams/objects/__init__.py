"""What all clients of object stores share: how long they wait, and what the errors of a store mean."""
