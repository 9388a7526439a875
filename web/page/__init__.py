"""The page that visitors see: static files without a build step, and the handlers that serve them."""
