"""Real networks and profiles, read from files and other libraries."""
