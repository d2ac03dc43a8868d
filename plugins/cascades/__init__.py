"""Independent cascades: an attempt along each tie."""
