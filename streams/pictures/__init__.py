"""The kept pictures of items in the object store: written, read, and removed when no item names them."""
