"""All items get a vector of another encoder, from their kept pictures (docs/adr/0046)."""
