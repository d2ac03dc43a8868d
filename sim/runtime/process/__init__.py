"""Process isolation: the engine in a child process, its client and pipe protocol."""
