"""Events in: what users do, from the body of a request to Kafka."""
