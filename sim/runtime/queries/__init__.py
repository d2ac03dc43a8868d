"""Read-only queries to a running world, answered between two ticks; one module a subject."""
