"""Messages that exclude one another."""
