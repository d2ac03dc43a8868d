"""Built-in independent-cascade models: an attempt along each tie; modules register on import."""
