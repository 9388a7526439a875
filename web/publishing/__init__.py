"""How what a request says reaches Kafka."""
