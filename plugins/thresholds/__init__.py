"""Built-in threshold models: agents adopt once enough of their neighbours have."""
