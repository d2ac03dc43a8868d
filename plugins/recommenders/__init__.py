"""Built-in recommenders that rank feeds or propose friends; modules register on import."""
