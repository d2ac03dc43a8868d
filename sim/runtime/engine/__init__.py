"""The thread that owns a world, and the commands on their way to it."""
