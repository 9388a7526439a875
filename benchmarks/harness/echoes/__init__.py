"""Reference systems that send every message on unchanged, one module for each Kafka client."""
