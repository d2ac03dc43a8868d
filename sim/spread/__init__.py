"""Messages, cascades, channels, and the forms in which propagation models are written."""
