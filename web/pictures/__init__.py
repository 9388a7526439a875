"""The kept pictures of items as browsers get them."""
