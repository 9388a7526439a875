"""Kafka in and out: topics, events and the agents that handle them."""
