"""Messages and their cascades, and the forms in which propagation models are written."""
