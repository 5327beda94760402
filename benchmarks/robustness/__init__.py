"""Broken and hostile files thrown at every reader and at a running server."""
