"""The history database: members' acts, posts and decisions by tick."""
