"""Kafka: the clients, the consumer under Faust, and administration."""
