"""Import of real networks and profiles from files and other libraries."""
