"""What stands on the topics: names, events, records, parsing."""
