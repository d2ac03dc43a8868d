"""The classical tables, for any SQLite client."""
