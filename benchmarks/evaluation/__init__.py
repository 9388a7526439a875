"""Lists judged by a log: replayed event by event, predicted before it is learned."""
