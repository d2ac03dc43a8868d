"""Built-in models of opinion dynamics; modules register on import."""
