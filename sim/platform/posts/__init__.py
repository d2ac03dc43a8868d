"""Posts: storage, texts, pools, full-text search."""
