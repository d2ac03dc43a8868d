"""State of minded members in a world: memories, goals, news."""
