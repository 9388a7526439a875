"""Kafka in and out: topics, events, and the agents that carry them along."""
