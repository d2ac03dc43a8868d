"""Posts: kept, written, searched."""
