"""Privacy requests: from the request to the receipt."""
