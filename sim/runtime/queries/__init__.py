"""Read-only queries on a running world, answered between two ticks; one module per subject."""
