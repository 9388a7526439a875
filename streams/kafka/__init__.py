"""Kafka clients, and how Faust uses them."""
