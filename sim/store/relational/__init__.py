"""Plain SQL tables of agents, ties and adoptions, for any SQLite client."""
